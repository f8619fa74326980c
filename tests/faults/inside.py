"""A whole run inside the tester's process, against a server there."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from botocore import handlers

from collector.inventory import Snapshot, take_snapshot
from collector.settings import RunSettings
from tests.synthetic import Settings, serving
from tests.synthetic.stats import Stats


@dataclass(frozen=True)
class Ran:
    """What a run left behind. Coverage and resources are known by account, region and service."""

    snapshot: Snapshot
    coverage: Mapping[tuple[str, str, str], Mapping[str, Any]]
    resources: Counter[tuple[str, str, str]]
    events: list[Any]
    asked: Stats

    def gaps(self, account: str, region: str, service: str) -> list[tuple[str, str]]:
        return [(gap["kind"], gap["code"]) for gap in self.coverage[account, region, service]["gaps"]]

    @property
    def tracebacks(self) -> list[Any]:
        return [event for event in self.events if event.get("exc_info") or "exception" in event]


@contextmanager
def led_to(url: str) -> Iterator[pytest.MonkeyPatch]:
    """An environment that leads to *url* and nowhere else; what else is patched in it lasts as long."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "AKIA999999999999TEST",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }.items():
            patch.setenv(name, value)
        # The emulator that other tests import puts in a handler of its own, and calls would go another way than they do for a user.
        patch.setattr(
            handlers, "BUILTIN_HANDLERS", [each for each in handlers.BUILTIN_HANDLERS if not type(each[1]).__module__.startswith("moto")]
        )
        yield patch


async def ran(aws: Settings, to: Path, *, through: str | None = None, patches: Mapping[str, Any] | None = None, **settings: Any) -> Ran:
    """A run with *settings* against *aws*, or *through* the URL of something before it."""
    async with serving(aws) as running:
        with led_to(through or running.url) as patch, structlog.testing.capture_logs() as events:
            for name, value in (patches or {}).items():
                patch.setattr(name, value)
            snapshot = await take_snapshot(RunSettings(role="Inventory", to=str(to), **settings))
        return read(snapshot, to, events, running.stats)


def read(snapshot: Snapshot, to: Path, events: list[Any], asked: Stats) -> Ran:
    """The lines of *snapshot* in the folder *to*, whose services of global scope are counted where they were asked."""
    coverage = [orjson.loads(line) for line in (to / "coverage.jsonl").read_bytes().splitlines()]
    by_scan = Counter(orjson.loads(line)["scan_id"] for line in (to / "resources.jsonl").read_bytes().splitlines())
    return Ran(
        snapshot,
        {(line["account_id"], line["region"], line["service"]): line for line in coverage},
        Counter({(line["account_id"], line["region"], line["service"]): by_scan[line["scan_id"]] for line in coverage}),
        events,
        asked,
    )
