"""What is handed over between the processes of a run: one's share of the work, and word of how it goes. All of it pickles."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from collector.aws.identity import Role, SessionLimit
from collector.cost import Cost
from collector.errors import CallNotAllowedError, CollectorError
from collector.portion import Portion
from collector.run import Progress
from collector.settings import RunSettings
from collector.sink.stream import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The work of one process, and how to get at it."""

    settings: RunSettings
    portion: Portion
    region: str
    """Where STS is asked."""
    roles: Mapping[str, Role]
    limit: SessionLimit
    to: str
    numbers: Numbers
    workers: int
    log: Mapping[str, bool]
    """How `log.set_up` was told to log."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far a process is."""

    tasks: int = 0
    cost: Cost = field(default_factory=Cost)

    def __add__(self, other: "SoFar") -> "SoFar":
        return SoFar(self.tasks + other.tasks, self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class Finished:
    """All of a process's share is done."""

    progress: Progress
    cost: Cost
    files: Sequence[Mapping[str, Any]]
    """What the manifest says of the files that it wrote."""


Word: TypeAlias = SoFar | Finished | CollectorError | CallNotAllowedError
"""What a process says; an error is its last one."""

HEAD = 8
"""Bytes before each pickle that tell its length."""


def framed(said: Share | Word) -> bytes:
    """The bytes of *said*, which go through a pipe of our own and nowhere else: a share holds ExternalIds."""
    text = pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
    return len(text).to_bytes(HEAD) + text


def unframed(text: bytes) -> Any:
    """What was said, from the bytes after the head. They come from a process that we started, or from the one that started us."""
    return pickle.loads(text)  # noqa: S301
