"""microburst, a proxy that injects faults in AWS's own wire formats, as a process between the collector and a server."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_START_SECONDS = 30


@contextmanager
def proxied(upstream: str, rules: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[str]:
    """The URL of a proxy before *upstream* that applies *rules* (microburst's README has their language)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "rules.yml"  # JSON is YAML
    config.write_text(json.dumps({"upstream": upstream, "port": port, "rules": rules}))
    url = f"http://127.0.0.1:{port}"
    with (folder / "proxy.log").open("wb") as log:
        command = [sys.executable, "-m", "microburst", "--config", str(config), "--upstream", upstream, "--port", str(port), "--no-resign"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            try:
                _wait_until_it_answers(f"{url}/_microburst/health", process, folder / "proxy.log")
                yield url
            finally:
                process.kill()


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    last = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, TimeoutError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < last, "the proxy does not answer"
        else:
            return


def fired(url: str) -> list[dict[str, Any]]:
    """What the proxy at *url* has done, fault by fault."""
    with urllib.request.urlopen(f"{url}/_microburst/fired", timeout=5) as answer:
        told = json.load(answer)
    return list(told["fired"] if isinstance(told, dict) else told)
