"""What a snapshot says, apart from when and by which scan it was seen: two runs over the same accounts tell the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from collector.snapshot import lines_of, open_snapshot

_OF_THE_MOMENT = ("observed_at", "seconds")


@dataclass(frozen=True, slots=True)
class Told:
    """All lines of a snapshot, sorted, each as text; and the totals of its manifest."""

    resources: tuple[bytes, ...]
    coverage: tuple[bytes, ...]
    totals: dict[str, Any]


def told(folder: Path) -> Told:
    """What the snapshot in *folder* says. Raises SnapshotError when it is none, AssertionError when it contradicts itself.

    Every line of the files is taken, not only those that a reader would count: a finished run leaves none behind that does not.
    """
    snapshot = open_snapshot(folder)
    for file in snapshot.manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"]), file["name"]
    resources = [line for path in snapshot.files("resources") for line in lines_of(path)]
    coverage = list(snapshot.coverage())
    listed = {path.name for stream in ("resources", "coverage") for path in snapshot.files(stream)}
    there = {path.name for path in folder.iterdir()} - {"manifest.json", ".run.json", ".lock"}
    assert there == listed, "files that the manifest does not list"
    assert sum(file["lines"] for file in snapshot.manifest["files"]) == len(resources) + len(coverage)
    vouched = {line["scan_id"]: line["resources"] for line in coverage}
    assert len(vouched) == len(coverage), "a scan that is covered twice"
    for line in resources:
        vouched[line["scan_id"]] -= 1
    assert not any(vouched.values()), "coverage that promises other resources than there are"
    names = ("coverage", "exit_status", "gaps", "resources", "resources_by_type", "spec_digest", "tasks")
    return Told(_lines(resources), _lines(coverage), {name: snapshot.manifest[name] for name in names})


def _lines(lines: list[dict[str, Any]]) -> tuple[bytes, ...]:
    return tuple(sorted(orjson.dumps(_timeless(line), option=orjson.OPT_SORT_KEYS) for line in lines))


def _timeless(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in line.items() if name not in _OF_THE_MOMENT}
    return {**kept, "scan_id": line["scan_id"].partition("@")[0]}
