"""What is special about a folder: the disk, the lock, the modes."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.errors import SinkError
from collector.sink import open_sink, stream
from tests.sinks.lines import coverage, lines, pages, resource
from tests.sinks.places import Folder


async def taken(folder: Path) -> None:
    """A snapshot without lines."""
    async with open_sink(str(folder)) as sink:
        await sink.finish({})


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write anywhere; nobody may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    with umask(0):
        await taken(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == dict.fromkeys([".lock", "coverage.jsonl", "manifest.json", "resources.jsonl"], 0o600)


async def test_folders_above_are_made(tmp_path: Path) -> None:
    await taken(tmp_path / "a" / "b" / "new")
    assert (tmp_path / "a" / "b" / "new" / "manifest.json").exists()


async def test_empty_folder_that_is_there_already_is_used(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    await taken(tmp_path / "new")
    assert (tmp_path / "new" / "manifest.json").exists()


async def test_lines_do_not_wait_longer_than_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(stream, "monotonic", lambda: clock[0])
    place = Folder(tmp_path, monkeypatch)
    async with place.sink() as sink:
        clock[0] += 1.9
        await sink.write([resource("task", 0, ""), coverage("task", 1)])
        assert place.files() == {}
        clock[0] += 0.2
        await sink.write([resource("task-1", 0, "")])
        assert lines(place.files(), "resources").count(b"\n") == 2
        assert lines(place.files(), "coverage").count(b"\n") == 1
        clock[0] += 1.9
        await sink.write([coverage("task-1", 1)])
        assert lines(place.files(), "coverage").count(b"\n") == 1


@pytest.mark.parametrize("compress", [False, True])
async def test_flushed_lines_of_a_compressed_file_can_be_read_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: bool
) -> None:
    monkeypatch.setattr(stream, "FLUSH_SECONDS", 0.0)
    place = Folder(tmp_path, monkeypatch, {"compress": compress})
    async with place.sink() as sink:
        for number in range(3):
            await sink.write([resource("task", number, "")])
            assert lines(place.files(), "resources").count(b"\n") == number + 1


async def test_run_that_ends_early_leaves_what_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path, monkeypatch)
    async with place.sink() as sink:
        await sink.write([resource("task", 0, ""), coverage("task", 1)])
    assert lines(place.files(), "coverage").count(b"\n") == 1
    assert "manifest.json" not in place.files()


async def test_parts_are_started_when_one_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path, monkeypatch, {"part_megabytes": 1})
    async with place.sink() as sink:
        for page in pages(5):
            await sink.write(page)
        await sink.finish({})
    sizes = [len(content) for name, content in sorted(place.files().items()) if name.startswith("resources")]
    assert len(sizes) >= 3
    assert all(1_000_000 <= size < 1_000_000 + stream.BUFFERED + 100_000 for size in sizes[:-1])
    assert "resources-00001.jsonl" in place.files()


async def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("theirs")
    with pytest.raises(SinkError, match=r"new is a file: name a new folder$"):
        await taken(tmp_path / "new")
    with pytest.raises(SinkError, match=r"new/below cannot be written: Not a directory$"):
        await taken(tmp_path / "new" / "below")
    assert (tmp_path / "new").read_text() == "theirs"


async def test_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with without_privileges(), pytest.raises(SinkError, match=r"closed/new cannot be written: Permission denied$"):
        await taken(tmp_path / "closed" / "new")
    with without_privileges(), pytest.raises(SinkError, match=r"closed cannot be written: Permission denied$"):
        await taken(tmp_path / "closed")
    assert list((tmp_path / "closed").iterdir()) == []


async def test_refused_folder_gets_no_lock_and_is_not_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path, monkeypatch)
    place.put("documents", "letter.txt", b"theirs")
    with pytest.raises(SinkError, match="is not empty"):
        await taken(tmp_path / "documents")
    assert [path.name for path in (tmp_path / "documents").iterdir()] == ["letter.txt"]
    assert place.left_open() == []


async def test_folder_of_another_run_is_refused_until_that_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path, monkeypatch)
    async with place.sink() as sink:
        await sink.write([resource("task", 0, "")])
        with pytest.raises(SinkError, match=r"new is being written by another run$"):
            await taken(tmp_path / "new")
        assert len(place.left_open()) == 1
    with pytest.raises(SinkError, match="is not empty"):
        await taken(tmp_path / "new")


async def test_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SinkError, match="cannot be written"):
        await taken(tmp_path / "new")
    assert not (tmp_path / "elsewhere").exists()


async def test_full_disk_is_told_as_such_and_lets_go_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path, monkeypatch)
    place.fail_at(2)
    with pytest.raises(SinkError, match=r"^[^\n]*/new cannot be written: No space left on device$"):
        await _pages_into(place)
    assert place.left_open() == []
    assert sorted(place.files()) == ["coverage.jsonl", "resources.jsonl"] or sorted(place.files()) == ["resources.jsonl"]


async def _pages_into(place: Folder) -> None:
    async with place.sink() as sink:
        for page in pages(5):
            await sink.write(page)


async def test_manifest_that_does_not_fit_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path, monkeypatch)
    place.fail_at(1)  # files without lines are made without a write, so the manifest is the first
    with pytest.raises(SinkError, match="No space left"):
        await taken(tmp_path / "new")
    assert sorted(place.files()) == ["coverage.jsonl", "resources.jsonl"]


@pytest.mark.parametrize("to", ["", "gs://bucket/prefix", "S3://bucket/prefix", "file:///tmp/x"])
def test_destination_of_no_known_kind_is_refused_and_is_no_folder(to: str) -> None:
    with pytest.raises(SinkError, match="is no destination: name a folder, s3://bucket/prefix, or - for standard output"):
        open_sink(to)
