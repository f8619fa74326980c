"""What every sink must do, whatever it writes to."""

from collections.abc import Mapping

import anyio
import pytest

from collector.errors import SinkError
from collector.record import CoverageRecord, ResourceRecord
from collector.sink import Sink
from collector.sink.stream import Numbers
from tests.sinks.lines import coverage, described, lines, listed, pages, resource, stream, untrue
from tests.sinks.places import Place


async def written(place: Place, name: str = "new") -> None:
    """A whole snapshot."""
    async with place.sink(name) as sink:
        for page in pages(place.megabytes):
            await sink.write(page)
        await sink.finish({"schema": 1})


async def test_lines_come_back_in_order_and_byte_identical(place: Place) -> None:
    await written(place)
    files = place.files()
    assert lines(files, "resources") == stream(pages(place.megabytes), ResourceRecord)
    assert lines(files, "coverage") == stream(pages(place.megabytes), CoverageRecord)


async def test_manifest_lists_every_file_with_its_bytes_lines_and_digest(place: Place) -> None:
    await written(place)
    files = place.files()
    names = [each["name"] for each in listed(files)]
    assert {*names, "manifest.json"} == set(files)
    assert listed(files) == [described(files, name) for name in names]
    assert b'"schema": 1' in files["manifest.json"]


async def test_two_writings_of_the_same_lines_are_the_same_files(place: Place) -> None:
    await written(place, "one")
    await written(place, "other")
    assert lines(place.files("one"), "resources") == lines(place.files("other"), "resources")
    assert set(place.files("one")) == set(place.files("other"))


async def test_run_without_resources_leaves_empty_files_and_a_manifest(place: Place) -> None:
    async with place.sink() as sink:
        await sink.finish({})
    files = place.files()
    assert [each["lines"] for each in listed(files)] == [0, 0]
    assert untrue(files) == []
    assert len(files) == 3


async def test_there_is_no_manifest_without_finish(place: Place) -> None:
    async with place.sink() as sink:
        for page in pages(place.megabytes):
            await sink.write(page)
    assert "manifest.json" not in place.files()
    assert untrue(place.files()) == []
    assert place.left_open() == []


async def test_error_in_the_run_leaves_no_manifest_and_nothing_open(place: Place) -> None:
    with pytest.raises(RuntimeError, match="our bug"):
        await _breaking(place)
    assert "manifest.json" not in place.files()
    assert untrue(place.files()) == []
    assert place.left_open() == []


async def _breaking(place: Place) -> None:
    async with place.sink() as sink:
        for number, page in enumerate(pages(place.megabytes)):
            await sink.write(page)
            if number == 60:
                raise RuntimeError("our bug")


async def test_cancelled_run_leaves_no_manifest_and_nothing_open(place: Place) -> None:
    with anyio.CancelScope() as scope:
        async with place.sink() as sink:
            for number, page in enumerate(pages(place.megabytes)):
                await sink.write(page)
                if number == 60:
                    scope.cancel()
            await sink.finish({})
    assert scope.cancelled_caught
    assert "manifest.json" not in place.files()
    assert untrue(place.files()) == []
    assert place.left_open() == []


async def test_coverage_is_at_no_instant_there_before_its_resources(place: Place) -> None:
    found: list[str] = []
    instants: list[set[str]] = []

    def look(files: Mapping[str, bytes]) -> None:
        found.extend(untrue(files))
        instants.append(set(files))

    place.watch(look)
    await written(place)
    assert found == []
    assert len(instants) >= 5
    assert "manifest.json" in instants[-1]


async def test_every_write_that_fails_is_one_clear_line_and_publishes_nothing(place: Place) -> None:
    place.fail_at(None)
    await written(place)
    writes = place.writes()
    assert writes >= 4
    for write in range(1, writes + 1):
        place.fail_at(write)
        with pytest.raises(SinkError) as raised:
            await written(place, f"failing-{write}")
        assert f"failing-{write} cannot be written: " in str(raised.value)
        assert "\n" not in str(raised.value)
        files = place.files(f"failing-{write}")
        assert "manifest.json" not in files
        assert untrue(files) == []
        assert place.left_open() == []


async def test_nothing_follows_a_write_that_failed(place: Place) -> None:
    with pytest.raises(SinkError, match="none may follow"):
        await _going_on(place)
    assert "manifest.json" not in place.files()
    assert untrue(place.files()) == []


async def _going_on(place: Place) -> None:
    async with place.sink() as sink:
        place.fail_at(1)
        with pytest.raises(SinkError, match="cannot be written"):
            await _all_of(place, sink)
        place.fail_at(None)
        await sink.finish({})


async def _all_of(place: Place, sink: Sink) -> None:
    for page in pages(place.megabytes):
        await sink.write(page)
    await sink.finish({})


@pytest.mark.parametrize("file", ["manifest.json", "resources.jsonl", "coverage-00001.jsonl.zst", "notes.txt"])
async def test_destination_that_holds_anything_is_refused_and_left_alone(place: Place, file: str) -> None:
    place.put("used", file, b"theirs")
    with pytest.raises(SinkError, match=f"used is not empty .{file}.: name a new"):
        await written(place, "used")
    assert place.files("used") == {file: b"theirs"}
    assert place.left_open() == []


async def test_finished_snapshot_is_not_written_over(place: Place) -> None:
    await written(place)
    before = place.files()
    with pytest.raises(SinkError, match="is not empty"):
        await written(place)
    assert place.files() == before


async def test_page_larger_than_any_buffer_comes_back_whole(place: Place) -> None:
    page = [resource("task", number, "x" * 100) for number in range(10_000)]
    async with place.sink() as sink:
        await sink.write([*page, coverage("task", len(page))])
        await sink.finish({})
    assert lines(place.files(), "resources") == stream(iter([list(page)]), ResourceRecord)
    assert untrue(place.files()) == []


async def test_full_file_of_coverage_is_not_ended_before_its_resources(place: Place) -> None:
    """Most targets hold little, so coverage may fill its files sooner than resources do."""
    found: list[str] = []
    place.watch(lambda files: found.extend(untrue(files)))
    async with place.sink() as sink:
        for task in range(8_000):
            resources = task % 100 == 0
            if resources:
                await sink.write([resource(f"task-{task}", 0, "")])
            await sink.write([coverage(f"task-{task}", int(resources))])
        await sink.finish({})
    assert found == []
    assert lines(place.files(), "coverage").count(b"\n") == 8_000
    assert lines(place.files(), "resources").count(b"\n") == 80


async def test_several_writers_fill_one_snapshot_which_another_finishes(place: Place) -> None:
    async with place.sink() as sink:
        await sink.begin({})
        ended = []
        for first in (1, 2):
            async with place.sink(numbers=Numbers(sink.last_number + first, 2)) as writer:
                for page in pages(place.megabytes):
                    await writer.write(page)
                ended += await writer.end()
        await sink.finish({"schema": 1}, ended)
    files = place.files()
    names = [each["name"] for each in listed(files)]
    assert {*names, "manifest.json", ".run.json"} == set(files)
    assert listed(files) == [described(files, name) for name in names]
    assert [name.split("-")[1][:5] for name in names if name.startswith("coverage")][:2] == ["00001", "00002"]
    for kind, record in (("resources", ResourceRecord), ("coverage", CoverageRecord)):
        assert sorted(lines(files, kind).splitlines()) == sorted(2 * stream(pages(place.megabytes), record).splitlines())
    assert place.left_open() == []
