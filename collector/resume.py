"""What an earlier run has done, and need not be done again."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from collector.errors import SettingsError
from collector.plan import Task
from collector.record import CoverageRecord, Gap, Kind
from collector.settings import RunSettings
from collector.spec.model import Family
from collector.spec.select import digest

PASSING: frozenset[Kind] = frozenset({"throttled", "unreachable", "cut", "failed"})
"""Gaps that another try may close; what is denied, halted or not there stays so for this snapshot."""

_ASKED = ("account", "exclude_account", "organization", "unit", "exclude_unit", "role", "hub_role", "region", "exclude_region")
"""Settings that say what a run reads. How it reads (workers, profile, deadline, …) may differ from one try to the next."""


class Earlier:
    """The coverage of an earlier run: which of its tasks are done, and the lines that may stay.

    Holds an entry for each line, some 300 bytes, as long as the run is planned.
    """

    def __init__(self) -> None:
        self._covered: dict[str, CoverageRecord] = {}
        self._kept: set[str] = set()

    def tell(self, line: bytes) -> None:
        """Take note of one coverage line. What is not one of ours is no coverage, and its task is done again."""
        try:
            fields = orjson.loads(line)
            fields["gaps"] = tuple(Gap(**gap) for gap in fields["gaps"])
            record = CoverageRecord(**fields)
            name, _, _ = record.scan_id.partition("@")
        except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
            return
        if _counts(record):
            self._covered[name] = record

    def done(self, task: Task) -> list[CoverageRecord]:
        """The coverage of *task* if every type of it is there without a gap that may pass; otherwise nothing."""
        found = [self._covered.get(task.scan_name(resource.key)) for resource in task.family.written()]
        covered = [record for record in found if record is not None and not any(gap.kind in PASSING for gap in record.gaps)]
        return covered if len(covered) == len(found) else []

    def settle(self, tasks: Iterable[Task], count: Callable[[CoverageRecord], None]) -> bytes:
        """Go through *tasks* once: what is done of them stays and is counted. A byte for each task comes back: 1 when it is left to do.

        What is in no task that was gone through goes.
        """
        left = bytearray()
        for task in tasks:
            covered = self.done(task)
            left.append(not covered)
            for record in covered:
                self._kept.add(record.scan_id)
                count(record)
        return bytes(left)

    def keep(self, line: bytes) -> bool:
        """May this line, of either kind, stay?"""
        try:
            return orjson.loads(line).get("scan_id") in self._kept
        except (orjson.JSONDecodeError, AttributeError, TypeError):
            return False


def _counts(record: Any) -> bool:
    """Is what will be counted of *record* of the right kinds? What is read back may be anybody's."""
    kinds = [(record.resource_type, str), (record.resources, int), (record.complete, bool)]
    kinds += [pair for gap in record.gaps for pair in ((gap.kind, str), (gap.count, int))]
    return all(isinstance(value, kind) for value, kind in kinds)


def about(settings: RunSettings, families: Iterable[Family]) -> dict[str, Any]:
    """What a run is asked for, as far as another run must ask for the same to take it up."""
    asked = {name: getattr(settings, name) for name in _ASKED}
    return {
        "settings": {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()},
        "specs": digest(families),
    }


def require_same(earlier: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Raise SettingsError with all that differs between what the earlier run was asked for and what this one is."""
    theirs = earlier.get("settings")
    theirs = theirs if isinstance(theirs, Mapping) else {}
    different = [
        f"{name} was {theirs.get(name)!r} and is {value!r}" for name, value in ours["settings"].items() if theirs.get(name) != value
    ]
    if earlier.get("specs") != ours["specs"]:
        different.append("the specs differ (other services or types were chosen, or the collector was upgraded)")
    if different:
        raise SettingsError(f"resume: this is not the run that was begun there: {'; '.join(different)}")
