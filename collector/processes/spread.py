"""The process that starts the others: it hands out the shares, passes on when to stop, and hears how it goes."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

import anyio
from anyio.abc import ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from collector import log
from collector.connect import Connection
from collector.errors import ProcessError
from collector.portion import Portion, workers
from collector.processes.share import HEAD, Finished, Share, SoFar, Word, framed, unframed
from collector.settings import RunSettings
from collector.sink.stream import Numbers
from collector.stop import Stop

LAST_SECONDS = 15.0
"""What a process gets to bring its lines to the disk when another one has failed."""


def shares(settings: RunSettings, to: str, portions: Sequence[Portion], connection: Connection, last_number: int) -> list[Share]:
    """A share for each of *portions*. The snapshot at *to* has files up to *last_number* already."""
    return [
        Share(
            settings=settings,
            portion=portion,
            region=connection.region,
            roles={account.id: connection.roles[account.id] for account in portion.accounts if account.id in connection.roles},
            limit=connection.limit,
            to=to,
            numbers=Numbers(last_number + 1 + index, len(portions)),
            workers=workers(settings, len(portions)),
            log=log.chosen,
        )
        for index, portion in enumerate(portions)
    ]


class Spread:
    """A process for each of *shares*."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self._shares = shares
        self._so_far = [SoFar() for _ in shares]
        self._finished: list[Finished] = []

    def so_far(self) -> SoFar:
        """How far they are, together."""
        return sum(self._so_far, SoFar())

    async def run(self, stop: Stop) -> list[Finished]:
        """Have every share carried out. Raises what a process raised, and ProcessError when one was ended from outside; the others then
        end as if they had been interrupted.
        """
        async with anyio.create_task_group() as group:
            for index in range(len(self._shares)):
                group.start_soon(self._one, index, stop)
        return self._finished

    async def _one(self, index: int, stop: Stop) -> None:
        # Whatever this process can import, the other one can; a folder of the same name in the working directory it cannot.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-P", "-m", "collector.processes"]
        # In a session of its own a terminal's Ctrl-C does not reach it: what it is to do, it is told.
        process = await anyio.open_process(command, env=environment, stderr=None, start_new_session=True)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_hand_over, self._shares[index], stop, process)
                finished = await self._heard(index, process)
                group.cancel_scope.cancel()
            if finished is None:
                raise _ended(await process.wait(), f"process {index + 1} of {len(self._shares)}")
            self._finished.append(finished)
        finally:
            with anyio.CancelScope(shield=True):
                await _let_go(process)

    async def _heard(self, index: int, process: Process) -> Finished | None:
        """Listen to the last word of a process; None when it ended without one. Raises the error that it was."""
        assert process.stdout is not None
        stream = BufferedByteReceiveStream(process.stdout)
        while True:
            try:
                size = int.from_bytes(await stream.receive_exactly(HEAD))
                word: Word = unframed(await stream.receive_exactly(size))
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                return None
            match word:
                case SoFar():
                    self._so_far[index] = word
                case Finished():
                    self._so_far[index] = SoFar(word.progress.tasks, word.cost)
                    return word
                case _:
                    raise word


async def _hand_over(share: Share, stop: Stop, process: Process) -> None:
    """Give *process* its share, then ask it to stop as often as we are asked."""
    assert process.stdin is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it is dead, which is told where it is listened to
        await process.stdin.send(framed(share))
        await stop.asked.wait()
        await _ask(stop, process.stdin)
        await stop.insisted.wait()
        await _ask(stop, process.stdin)


async def _ask(stop: Stop, stdin: ByteSendStream) -> None:
    await stdin.send(f"{stop.why}\n".encode())


async def _let_go(process: Process) -> None:
    """End *process*: it stores what it has when nobody listens any more."""
    assert process.stdin is not None
    with anyio.move_on_after(LAST_SECONDS):
        with suppress(anyio.BrokenResourceError):
            await process.stdin.aclose()
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


def _ended(status: int, which: str) -> Exception:
    """The error that a process ended in *status* without a last word."""
    if status < 0:
        return ProcessError(
            f"{which} was ended by {signal.Signals(-status).name} (for lack of memory, if nobody sent it); what was finished is kept, and "
            "--resume takes the run up again"
        )
    return RuntimeError(f"{which} ended in status {status}; its own words stand above")
