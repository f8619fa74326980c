"""Runs that are killed at random instants and taken up again, until one comes to its end."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

import orjson

from collector.snapshot import MANIFEST
from tests.faults.running import Ended, arguments, ended, environment, run_to_the_end, running
from tests.faults.served import Served
from tests.faults.told import Told, told

HURRIED = "tests.faults.hurried"
WORKERS = ("--workers", "6")
"""A tenth of the tasks at a time, so that some are done, some under way and some not begun at whatever instant."""
KILLED = -signal.SIGKILL


class Place(Protocol):
    """A destination, new each time, that can be looked into."""

    to: str
    flags: Sequence[str]
    environment: Mapping[str, str]

    def names(self) -> set[str]:
        """The files a reader finds there."""

    def fetched(self) -> Path:
        """A folder with what a reader finds there."""

    def tear(self, random: Random) -> None:
        """Take from the end of the files what a machine that lost its power may take: all that was not yet durable."""


@dataclass
class Folder:
    """A folder on this disk."""

    path: Path
    flags: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def to(self) -> str:
        return str(self.path)

    def names(self) -> set[str]:
        return {each.name for each in self.path.iterdir()} if self.path.exists() else set()

    def fetched(self) -> Path:
        return self.path

    def tear(self, random: Random) -> None:
        """Coverage may lose any part of its end, resources what comes after the last that coverage vouches for."""
        if not self.path.exists():
            return
        plain = [each for each in sorted(self.path.iterdir()) if each.suffix == ".jsonl"]
        for file in (each for each in plain if each.name.startswith("coverage")):
            _cut(file, max(0, file.stat().st_size - random.choice((0, 1, random.randint(0, 5_000)))), random)
        vouched = {scan for file in plain if file.name.startswith("coverage") for scan in _scans(file.read_bytes())}
        for file in (each for each in plain if each.name.startswith("resources")):
            _cut(file, random.randint(_end_of_vouched(file.read_bytes(), vouched), file.stat().st_size), random)


@dataclass
class Bucket:
    """A prefix in an emulator's bucket, whose files are *client*'s to read into *copy*."""

    client: Any
    bucket: str
    prefix: str
    copy: Path
    environment: Mapping[str, str]
    flags: Sequence[str] = ()

    @property
    def to(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def names(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{self.prefix}/")
        return {each["Key"].rpartition("/")[2] for page in pages for each in page.get("Contents", ())}

    def fetched(self) -> Path:
        self.copy.mkdir(parents=True, exist_ok=True)
        for name in self.names():
            body = self.client.get_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}")["Body"]
            (self.copy / name).write_bytes(body.read())
        return self.copy

    def tear(self, random: Random) -> None:
        """An object is there or is not there; nothing can be torn."""


def _cut(file: Path, length: int, random: Random) -> None:
    """Leave *length* bytes, now and then followed by zeros: a file system that knows the length may not have the bytes."""
    kept = file.read_bytes()[:length]
    file.write_bytes(kept + bytes(random.choice((0, 0, 100))))


def _scans(content: bytes) -> list[str]:
    return [orjson.loads(line)["scan_id"] for line in content.split(b"\n")[:-1]]


def _end_of_vouched(content: bytes, vouched: set[str]) -> int:
    position = end = 0
    for line in content.split(b"\n")[:-1]:
        position += len(line) + 1
        if orjson.loads(line)["scan_id"] in vouched:
            end = position
    return end


@dataclass(frozen=True, slots=True)
class Chain:
    """What came of one destination: how many runs were killed in it, and what the snapshot says in the end."""

    kills: int
    last: Ended
    told: Told


def uninterrupted(aws: Served, place: Place, said: Path) -> tuple[Told, int]:
    """What a run says that nobody disturbs, and how many calls it made."""
    aws.server.calls = 0
    last = run_to_the_end(HURRIED, arguments(place.to, *WORKERS, *place.flags), environment(aws.url, place.environment), said)
    assert last.status == 0, last.said
    return told(place.fetched()), aws.server.calls


def kill_and_resume(aws: Served, place: Place, said: Path, random: Random, *, calls: int, kills: int, expected: Told) -> Chain:
    """Kill up to *kills* runs into *place*, each somewhere in its first *calls* calls or shortly afterwards, then let one come to its end.

    Raises AssertionError when a manifest was there before the end.
    """
    env = environment(aws.url, place.environment)
    killed = 0
    while killed < kills:
        given = arguments(place.to, *WORKERS, *place.flags, *(["--resume"] if killed else []))
        with (
            running(HURRIED, given, env, said) as process,
            aws.signalling(process.pid, signal.SIGKILL, at_call=random.randint(1, calls), after=random.choice((0.0, random.random() / 4))),
        ):
            last = ended(process, said)
        if last.status != KILLED:
            assert last.status == 0, last.said
            break
        killed += 1
        if MANIFEST in place.names():
            assert told(place.fetched()) == expected, "a manifest before the end"
        place.tear(random)
    else:
        last = run_to_the_end(HURRIED, arguments(place.to, *WORKERS, *place.flags, "--resume"), env, said)
    assert last.status == 0, last.said
    return Chain(killed, last, told(place.fetched()))
