"""The embedded AWS emulator: moto's server in a child process, for as long as a `with` block lasts."""

import os
import selectors
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_READY_SECONDS = 30.0  # importing moto takes one to three seconds here; a loaded machine gets ten times that
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05


class EmulatorError(RuntimeError):
    """The emulator did not start; the message ends with the last lines it wrote."""


@contextmanager
def emulator() -> Iterator[str]:
    """Start the emulator on a free loopback port, yield its URL when it answers, and stop it however the block ends.

    Its state is empty at the start and gone at the end. Raises EmulatorError when it does not answer in time.
    """
    deadline = time.monotonic() + _READY_SECONDS
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "collector.demo.emulator_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
        )
        try:
            url = f"http://127.0.0.1:{_port(process, deadline, log)}"
            _wait_until_it_answers(url, process, deadline, log)
            yield url
        finally:
            _stop(process)


def _environment() -> dict[str, str]:
    """The child's environment: nothing of the user's AWS settings or credentials, and no setting of moto's but ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        # A certificate is issued at once: a minute into the demo its state would change by itself.
        "MOTO_ACM_VALIDATION_WAIT": "0",
        # Otherwise each account has 1,300 public images in each region, and a snapshot of each that it seems to own.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }


def _port(process: subprocess.Popen[bytes], deadline: float, log: IO[bytes]) -> int:
    """The port that the child chose and printed: asking it, not choosing for it, leaves no race for the port."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise EmulatorError(f"the emulator did not open a port in {_READY_SECONDS:.0f} s{_last_lines(log)}")
    line = process.stdout.readline()
    if not line.strip().isdigit():
        raise EmulatorError(f"the emulator ended while it started{_last_lines(log)}")
    return int(line)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], deadline: float, log: IO[bytes]) -> None:
    # A proxy of the environment is for the world outside, not for this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(f"{url}/moto-api/data.json", timeout=max(0.1, deadline - time.monotonic())):
                return
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmulatorError(f"the emulator does not answer at {url}: {error}{_last_lines(log)}") from error
            time.sleep(_POLL_SECONDS)


def _last_lines(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()[-10:]
    return "".join(f"\n  {line}" for line in lines)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the child and reap it; kill it when it does not go, or when Ctrl-C comes a second time."""
    try:
        process.terminate()
        process.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
