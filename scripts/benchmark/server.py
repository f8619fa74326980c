"""The synthetic AWS of the tests, in a process of its own on loopback. ``python -m benchmark.server JSON`` is that process."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.httpsession import where

from collector.event_loop import in_event_loop

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 3600
"""Seconds that a server lives at most."""


@dataclass(frozen=True)
class Aws:
    """A running server, and the file of certificates to trust."""

    url: str
    certificate: str

    def stats(self) -> dict[str, Any]:
        """What it has counted since it started (tests/synthetic/stats.py), with the CPU seconds it took."""
        context = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(f"{self.url}/_synthetic/stats", context=context, timeout=30) as answer:
            return dict(json.load(answer))

    def environment(self) -> dict[str, str]:
        """An environment that leads to this server and nowhere else."""
        return environment() | {"AWS_ENDPOINT_URL": self.url, "AWS_CA_BUNDLE": self.certificate}


def environment() -> dict[str, str]:
    """An environment without anything that leads to AWS, with keys that are good for nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COLLECTOR_", "BENCH"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": "AKIA999999999999TEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'scripts'}",
    }


@contextmanager
def served(**settings: Any) -> Iterator[Aws]:
    """A server with *settings* (tests/synthetic/settings.py), over TLS. ``sizes`` maps "service.Operation" to a number of items."""
    told = json.dumps({"pages": 1, "nested": 1, "tls": True, **settings})
    with subprocess.Popen(
        [sys.executable, "-m", "benchmark.server", told],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(),
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            url, certificate = process.stdout.readline().strip(), process.stdout.readline().strip()
            if not url:
                sys.exit("the synthetic server did not start")
            yield Aws(url, certificate)
        finally:
            process.terminate()


def settings_of(told: Mapping[str, Any]) -> Any:
    """The server's settings from what the command line can say. It knows the paging that our specs know, and its listings end."""
    from collector.spec.check import checked_specs
    from collector.spec.select import families
    from tests.faults.running import HARMLESS_ROLES
    from tests.synthetic import PagingRule, Settings

    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    sizes = {tuple(name.split(".", 1)): (items, plain["pages"]) for name, items in plain.pop("sizes", {}).items()}
    calls = [call for family in families(checked_specs(())) for call in family.calls() if call.page is not None]
    paging = {
        (call.service, call.operation): PagingRule((call.page.input,), (call.page.output,), call.page.more) for call in calls if call.page
    }
    plain["sizes"] = {("organizations", "ListOrganizationalUnitsForParent"): (0, 1), **sizes}  # units would nest without end
    return Settings(**plain, paging=paging, puts=HARMLESS_ROLES)


async def _serve(told: Mapping[str, Any]) -> None:
    from tests.synthetic import serving

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stopped.set)  # its end: whoever started us is gone
    loop.call_later(LONGEST, stopped.set)
    async with serving(settings_of(told)) as running:
        assert running.certificate is not None
        _beside_the_usual(running.certificate)
        print(running.url, running.certificate, sep="\n", flush=True)
        await stopped.wait()


def _beside_the_usual(certificate: Path) -> None:
    """Add the usual authorities: whoever loads them for each client pays for that here as he would with AWS."""
    certificate.write_text(certificate.read_text() + Path(where()).read_text())


if __name__ == "__main__":
    in_event_loop(_serve, json.loads(sys.argv[1]))
