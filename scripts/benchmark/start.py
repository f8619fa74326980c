"""Part ``start``: how long after the command its first call is out, with all specs and with one service's."""

import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmark.measure import medians_of
from benchmark.server import environment

CASES = {"all specs": (), "one service": ("--service", "sqs")}
LONGEST = 60.0


def first_call(*arguments: str) -> dict[str, float]:
    """Seconds of the clock, and of CPU, until ``collector run`` sends its first request: we are what it calls, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        listener.settimeout(LONGEST)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "collector", "run", "--region", "us-east-1", "--to", f"{folder}/out", *arguments],
            env=environment() | {"AWS_ENDPOINT_URL": url}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(LONGEST)
                if not connection.recv(1):
                    sys.exit("collector run made no call")
                return {"seconds": time.perf_counter() - began, "cpu_seconds": _cpu(process.pid)}
        finally:
            process.kill()
            process.wait()


def _cpu(pid: int) -> float:
    """CPU seconds of a running process: fields 14 and 15 of /proc/PID/stat (proc(5)); nothing where there is no such file."""
    import os
    from pathlib import Path

    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(repeat: int) -> dict[str, Any]:
    """Figures by what is read."""
    return {name: medians_of([first_call(*arguments) for _ in range(repeat)]) for name, arguments in CASES.items()}
