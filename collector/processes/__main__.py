"""``python -m collector.processes``: one process of a run. Its share comes in on standard input, word of it goes out on standard output.

After the share, each line that comes in asks it to stop, as a signal asks the process that started it. When that process is gone, nobody
is left to finish the snapshot, and this one ends too.
"""

import os
import signal
import sys
from collections.abc import Callable

import anyio

from collector import log
from collector.connect import reentered
from collector.cost import spent
from collector.errors import CallNotAllowedError, CollectorError
from collector.event_loop import in_event_loop
from collector.processes.share import HEAD, Finished, Share, SoFar, Word, framed, unframed
from collector.run import Progress, run
from collector.sink import open_sink
from collector.stop import Stop

TELL_SECONDS = 0.25
IN, OUT, ERR = 0, 1, 2


def main() -> None:
    """Carry out the share that standard input brings. Ends in 0 when its last word was said, and in 1 when there was nobody to hear it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the process that started us, which says so
    out = os.dup(OUT)
    os.dup2(ERR, OUT)  # what anything prints must not get among the words
    share: Share = unframed(_read(int.from_bytes(_read(HEAD))))
    log.set_up(**share.log)

    def tell(word: Word) -> None:
        left = memoryview(framed(word))
        while left:
            left = left[os.write(out, left) :]

    try:
        if not in_event_loop(carried_out, share, tell):
            sys.exit(1)
    except* (CollectorError, CallNotAllowedError) as group:
        tell(_first_of(group))


async def carried_out(share: Share, tell: Callable[[Word], None]) -> bool:
    """Carry out *share* and *tell* how it goes. False when the process that started this one is gone."""
    stop, progress, portion = Stop(), Progress(), share.portion
    settings = share.settings
    async with anyio.create_task_group() as group:
        group.start_soon(_heed, stop, group.cancel_scope)
        async with (
            reentered(
                settings,
                portion.families,
                partition=portion.partition,
                region=share.region,
                roles=share.roles,
                limit=share.limit,
            ) as gateway,
            open_sink(
                share.to,
                compress=settings.compress,
                part_megabytes=settings.part_megabytes,
                kms_key=settings.s3_kms_key,
                profile=settings.profile,
                numbers=share.numbers,
            ) as sink,
        ):

            async def tell_regularly() -> None:
                while True:
                    tell(SoFar(progress.tasks, spent(gateway)))
                    await anyio.sleep(TELL_SECONDS)

            group.start_soon(tell_regularly)
            await run(portion.tasks(), gateway, sink, progress, workers=share.workers, stop=stop)
            files = await sink.end()
            tell(Finished(progress, spent(gateway), files))
            group.cancel_scope.cancel()
            return True
    return False


async def _heed(stop: Stop, everything: anyio.CancelScope) -> None:
    """Stop when that is asked for; when the pipe ends, end everything."""
    while True:
        await anyio.wait_readable(IN)
        said = os.read(IN, 4096)
        if not said:
            everything.cancel()
            return
        for why in said.decode().split():
            stop.ask(why)


def _read(size: int) -> bytes:
    text = b""
    while len(text) < size:
        more = os.read(IN, size - len(text))
        if not more:
            sys.exit(1)
        text += more
    return text


def _first_of(group: BaseExceptionGroup[CollectorError | CallNotAllowedError]) -> CollectorError | CallNotAllowedError:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


if __name__ == "__main__":
    main()
