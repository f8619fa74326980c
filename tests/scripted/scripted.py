"""A gateway that answers from a script, and the shortest way from a spec to its records."""

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from collector.aws.api_error import ApiError
from collector.aws.page import Tally
from collector.collect import collect
from collector.plan import Target, Task
from collector.record import CoverageRecord, Gap, Record, ResourceRecord
from collector.spec.model import Call, Family
from collector.spec.reader import read_spec

SPECS = Path(__file__).parents[2] / "service_specs"
HERE = Target("aws", "111122223333", "eu-west-1")

Answer: TypeAlias = Mapping[str, Any] | ApiError
Script: TypeAlias = Answer | Sequence[Answer] | Callable[[Mapping[str, Any]], Answer]
"""An operation's answer to every call, its answers one after the other, or what makes one from the parameters."""


class ScriptedGateway:
    """Answers operations by name; an operation that the script does not have is a test's mistake."""

    def __init__(self, **answers: Script) -> None:
        self.answers: dict[str, Any] = {
            name: list(script) if isinstance(script, list | tuple) else script for name, script in answers.items()
        }
        self.asked: list[tuple[str, Target, dict[str, Any]]] = []

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        self.asked.append((call.operation, target, dict(params)))
        tally.calls += 1
        script = self.answers[call.operation]
        answer = script.pop(0) if isinstance(script, list) else script(params) if callable(script) else script
        if isinstance(answer, ApiError):
            raise answer
        return copy.deepcopy(dict(answer))

    def operations(self) -> list[str]:
        return [operation for operation, _, _ in self.asked]

    def params(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, _, params in self.asked if name == operation]

    def targets(self, operation: str) -> list[Target]:
        return [target for name, target, _ in self.asked if name == operation]

    def sizes(self, operation: str, parameter: str) -> list[int]:
        return [len(params[parameter]) for params in self.params(operation)]


def family(service: str, key: str, text: str | None = None) -> Family:
    """The family of our spec *service*, or of the spec that *text* is, cut down to the resource *key*."""
    spec = read_spec(service, text or (SPECS / f"{service}.toml").read_text())
    return next(iter(spec.families(frozenset({key}))))


async def read(
    of: Family, gateway: ScriptedGateway, *, gap: Gap | None = None, target: Target = HERE
) -> tuple[list[ResourceRecord], list[CoverageRecord]]:
    """What reading *of* writes: the resources and the coverage."""
    written: list[Record] = []

    async def emit(records: Sequence[Record]) -> None:
        written.extend(records)

    await collect(Task(of, target, gap), gateway, emit)
    resources = [record for record in written if isinstance(record, ResourceRecord)]
    coverage = [record for record in written if isinstance(record, CoverageRecord)]
    assert written[len(resources) :] == coverage, "coverage comes after the resources that it vouches for"
    return resources, coverage


async def collected(service: str, key: str, gateway: ScriptedGateway, text: str | None = None) -> AsyncIterator[ResourceRecord]:
    """The records of one resource type."""
    resources, _ = await read(family(service, key, text), gateway)
    for record in resources:
        yield record


def denied(code: str = "AccessDenied", reason: str = "iam") -> ApiError:
    return ApiError("denied", code, reason=reason)


def failing(code: str) -> ApiError:
    return ApiError("failed", code)


def gaps(coverage: Iterable[CoverageRecord]) -> list[tuple[str, str, str]]:
    """(kind, code, action) of every gap."""
    return [(gap.kind, gap.code, gap.action) for record in coverage for gap in record.gaps]
