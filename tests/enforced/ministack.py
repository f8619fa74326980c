"""The emulator that enforces IAM, in its own virtual environment, for as long as a `with` block lasts."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.enforced.asking import ROOT_SECRET

PYTHON = Path(__file__).resolve().parents[2] / ".venv-enforced" / "bin" / "python"
"""Made by scripts/venv-enforced: ministack pins a botocore that is not ours."""
READY_SECONDS, STOP_SECONDS, POLL_SECONDS = 30.0, 10.0, 0.05


class EmulatorError(RuntimeError):
    """The emulator did not start; the message ends with the last lines it wrote."""


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Start the emulator on a free port of the loopback interface, yield its URL when it answers, and stop it however the block ends.

    *folder* takes what it writes: its log, and whatever it would put in a home or temporary folder.
    """
    port = _free_port()
    with (folder / "ministack.log").open("w+b") as log:
        process = subprocess.Popen(
            [PYTHON, "-m", "ministack"], cwd=folder, env=_environment(folder, port), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(url, process, log)
            yield url
        finally:
            _stop(process)


def _environment(folder: Path, port: int) -> dict[str, str]:
    """All that the emulator is told. Nothing of the user's environment: it would take AWS_ACCESS_KEY_ID for a root of its own."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "BIND_HOST": "127.0.0.1",  # its own default is every interface
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker",
        "MINISTACK_AUTOCREATE_AWS_MANAGED": "0",
        "LOG_LEVEL": "WARNING",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with opener.open(f"{url}/_ministack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-10:]
                raise EmulatorError("\n  ".join([f"the emulator does not answer at {url}: {error}", *last])) from error
            time.sleep(POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
