"""What is read back may be anybody's: it is a snapshot or an error of ours, within bounds, and nothing outside of its folder."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector import snapshot
from collector.errors import SnapshotError
from collector.resume import Earlier
from collector.run import Progress
from collector.sink.part import whole_lines
from collector.snapshot import lines_of, open_snapshot
from tests.scripted.test_run import tasks

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=15,
)
NAMES = st.sampled_from(
    ["coverage.jsonl", "resources.jsonl", "..", ".", "../x", "/etc/passwd", "coverage\0", "resources/../../x", "coverage-.jsonl.zst"]
)
FIELDS = {
    "account_id": "000000000001", "calls": 1, "complete": True, "gaps": [], "observed_at": "2026", "partition": "aws",
    "region": "eu-west-1", "resource_type": "AWS::SNS::Topic", "resources": 2, "retries": 0,
    "scan_id": "000000000001/eu-west-1/sns.topic@20261125T000000.000Z", "seconds": 0.1, "service": "sns",
}  # fmt: skip


def written(folder: Path, manifest: bytes, content: bytes) -> list[Any]:
    """Everything that can be read of a folder with these files; nothing when it is refused."""
    (folder / "manifest.json").write_bytes(manifest)
    for name in ("coverage.jsonl", "resources.jsonl", "coverage-.jsonl.zst"):
        (folder / name).write_bytes(content)
    try:
        found = open_snapshot(folder)
        assert all(path.parent == folder for stream in ("coverage", "resources") for path in found.files(stream))
        return [*found.coverage(), *found.resources()]
    except SnapshotError:
        return []


@given(
    VALUES | st.fixed_dictionaries({"files": st.lists(st.fixed_dictionaries({"name": NAMES | VALUES}) | VALUES, max_size=4)}),
    st.binary(max_size=60),
)
@settings(max_examples=200, deadline=None)
@example({"files": [{"name": "coverage.jsonl"}, {"name": "resources.jsonl"}]}, b'{"scan_id":"1"}\n')
@example({"files": [{"name": "coverage.jsonl"}]}, b"[" * 100_000 + b"\n")
def test_no_snapshot_breaks_the_reader(manifest: Any, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        for line in written(Path(folder), orjson.dumps(manifest), content):
            assert isinstance(line["scan_id"], str)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
@example(b"[" * 100_000)
def test_no_manifest_breaks_the_reader(manifest: bytes) -> None:
    with TemporaryDirectory() as folder:
        written(Path(folder), manifest, b"")


@given(st.binary(max_size=300), st.integers(0, 400), st.booleans(), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_a_torn_or_odd_file_gives_whole_lines_only(content: bytes, cut: int, compressed: bool, size: int) -> None:
    stored = zstandard.compress(content) if compressed else content
    torn = stored[:cut]

    lines = list(whole_lines((torn[start : start + size] for start in range(0, len(torn), size)), compressed=compressed))

    assert content.startswith(b"".join(lines))
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_line_without_end_is_not_taken_into_memory(compressed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(snapshot, "LONGEST_LINE", 3_000_000)
    monkeypatch.setattr("collector.sink.part.LONGEST_LINE", 3_000_000)
    given_out = 0

    def endless() -> Iterable[bytes]:
        nonlocal given_out
        compressor = zstandard.ZstdCompressor().compressobj()
        for _ in range(1_000):
            given_out += 1
            text = bytes(100_000)
            yield compressor.compress(text) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) if compressed else text

    assert list(whole_lines(endless(), compressed=compressed)) == []
    assert given_out < 40

    file = tmp_path / f"coverage.jsonl{'.zst' if compressed else ''}"
    file.write_bytes(zstandard.compress(bytes(10_000_000)) if compressed else bytes(10_000_000))
    with pytest.raises(SnapshotError, match="line 1 is longer than 3,000,000 bytes"):
        list(lines_of(file))


@given(VALUES | st.fixed_dictionaries({name: VALUES | st.just(value) for name, value in FIELDS.items()}), st.lists(VALUES, max_size=2))
@settings(max_examples=200, deadline=None)
@example({**FIELDS, "resources": "two"}, [])
@example({**FIELDS, "gaps": [{"action": "a", "code": "c", "kind": ["cut"]}]}, [])
@example({**FIELDS, "gaps": [{"action": "a", "code": "c", "kind": "denied", "count": "x"}]}, [])
def test_no_coverage_line_breaks_a_resume(line: Any, others: list[Any]) -> None:
    earlier, progress = Earlier(), Progress()

    for each in (line, *others):
        earlier.tell(orjson.dumps(each))
    left = earlier.settle(tasks(3))
    for each in (line, *others):
        earlier.counting(progress.add)(orjson.dumps(each))

    assert left.count(0) == progress.coverage <= 1
    assert not earlier.keep(orjson.dumps(others))
