"""Runs killed with SIGKILL, taken up again, and equal in the end to one that nobody disturbed. `scripts/soak kills` does many more."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.conftest import SNAPSHOTS
from tests.faults.kills import Bucket, Folder, Place, kill_and_resume, uninterrupted
from tests.faults.running import aws
from tests.faults.served import Served, served
from tests.faults.told import Told

pytestmark = pytest.mark.slow

FLAGS = {
    "plain": (),
    "compressed": ("--compress",),
    "parts": ("--part-megabytes", "1"),
    "compressed-parts": ("--compress", "--part-megabytes", "1"),
}
KINDS = {"folder-parts": 2, "folder-compressed": 1, "s3-compressed-parts": 2}
"""Kinds of destinations, and how many runs in a row are killed in each."""


@pytest.fixture(scope="module")
def many() -> Iterator[Served]:
    with served(aws(items=1, latency=0.02)) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(many: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, int]:
    """What is to come out of every run, and the number of its calls."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return uninterrupted(many, Folder(folder / "snapshot"), folder / "said")


def place(kind: str, folder: Path, buckets: tuple[str, Any]) -> Place:
    where, _, flags = kind.partition("-")
    if where == "folder":
        return Folder(folder / "snapshot", FLAGS[flags])
    url, client = buckets
    return Bucket(client, SNAPSHOTS, folder.name, folder / "copy", {"AWS_ENDPOINT_URL_S3": url}, FLAGS[flags])


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_killed_and_resumed_tells_what_an_uninterrupted_one_tells(
    kind: str, many: Served, undisturbed: tuple[Told, int], buckets: tuple[str, Any], tmp_path: Path
) -> None:
    expected, calls = undisturbed
    random = Random(kind)

    chain = kill_and_resume(
        many, place(kind, tmp_path, buckets), tmp_path / "said", random, calls=calls, kills=KINDS[kind], expected=expected
    )

    assert chain.told == expected
    assert chain.kills
