"""What an earlier run has done, and need not be done again."""

import re
from array import array
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


_MOMENT = re.compile(r"(\d{8})T(\d{6})\.(\d{3})Z\Z", re.ASCII)
"""What a scan's name ends in."""


class Earlier:
    """The coverage of an earlier run: which of its tasks are done, and the lines that may stay.

    Holds eight bytes for each coverage line as long as the run is planned: 150 MB over all types in a thousand accounts and seventeen
    regions.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, int] = {}
        """The place of each account in the arrays."""
        self._scans: dict[str, array[int]] = {}
        """By region and type: of each account twice the number of the scan that is done, and one more once it is to stay; zero for none."""

    def tell(self, line: bytes) -> None:
        """Take note of one coverage line. What is not one of ours is no coverage, and its task is done again."""
        record = _coverage(line)
        if record is None:
            return
        account, where, scan = _parts(record.scan_id)
        if not scan:
            return
        place = self._accounts.setdefault(account, len(self._accounts))
        scans = self._scans.setdefault(where, array("Q"))
        scans.extend([0] * (place + 1 - len(scans)))
        scans[place] = 0 if any(gap.kind in PASSING for gap in record.gaps) else 2 * scan

    def _known(self, account: str, where: str) -> int:
        scans = self._scans.get(where, ())
        place = self._accounts.get(account, len(scans))
        return scans[place] if place < len(scans) else 0

    def settle(self, tasks: Iterable[Task]) -> bytes:
        """Go through *tasks* once: those stay of which every type is covered, without a gap that may pass. A byte for each task comes back:
        1 when it is left to do.

        What is in no task that was gone through goes.
        """
        left = bytearray()
        for task in tasks:
            names = [_parts(f"{task.scan_name(resource.key)}@")[:2] for resource in task.family.written()]
            done = all(self._known(account, where) for account, where in names)
            left.append(not done)
            for account, where in names if done else ():
                self._scans[where][self._accounts[account]] |= 1
        return bytes(left)

    def keep(self, line: bytes) -> bool:
        """May this line, of either kind, stay?"""
        try:
            account, where, scan = _parts(orjson.loads(line).get("scan_id"))
        except (orjson.JSONDecodeError, AttributeError, TypeError):
            return False
        return self._known(account, where) == 2 * scan + 1

    def counting(self, count: Callable[[CoverageRecord], None]) -> Callable[[bytes], None]:
        r"""What *count*\s each of the coverage lines that stay when it is told of all of them."""

        def tell(line: bytes) -> None:
            record = _coverage(line) if self.keep(line) else None
            if record is not None:
                count(record)

        return tell


def _coverage(line: bytes) -> CoverageRecord | None:
    """The record of a coverage line of ours."""
    try:
        fields = orjson.loads(line)
        fields["gaps"] = tuple(Gap(**gap) for gap in fields["gaps"])
        record = CoverageRecord(**fields)
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return None
    return record if _counts(record) else None


def _parts(scan_id: Any) -> tuple[str, str, int]:
    """A scan's account, its region and type, and its moment as a number, which is zero where there is none."""
    if not isinstance(scan_id, str):
        raise TypeError(scan_id)
    name, _, moment = scan_id.partition("@")
    account, _, where = name.partition("/")
    found = _MOMENT.match(moment)
    return account, where, int("".join(found.groups())) if found else 0


def _counts(record: Any) -> bool:
    """Is what will be counted of *record* of the right kinds? What is read back may be anybody's."""
    kinds = [(record.scan_id, str), (record.resource_type, str), (record.resources, int), (record.complete, bool)]
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
