"""Every spec against moto: what is put there, what the specs make of it, and the table that says which types that covers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.record import CoverageRecord
from collector.spec.model import Call, Resource
from tests.model.in_process import Records, gateway_to, read_families
from tests.model.ring import ARN, specs
from tests.moto.in_process import HERE, emulated
from tests.moto.seeds import seed

TABLE = Path(__file__).with_name("SERVED.md")
NOT_IMPLEMENTED = frozenset({"InvalidAction", "UnknownOperationException"})
"""AWS's codes for an operation that it does not know, as `collector/demo/unknown_operation.py` gives them for moto."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that the specs found in a seeded moto. *unknown* are the operations (service, name) that moto said it does not have."""

    made: Mapping[tuple[str, str], Any]
    """What was answered to the calls of `seeds.toml`, by service and name."""
    records: Records
    coverage: Mapping[str, CoverageRecord]
    unknown: frozenset[tuple[str, str]]


async def read_seeded() -> Found:
    """Seed an empty moto and read every family of every spec from it, in one account and region."""
    families = [family for service in specs().values() for family in service.families()]
    with emulated() as moto:
        made = seed()
        async with gateway_to(moto.answers, [call for family in families for call in family.calls()]) as gateway:
            records, coverage = await read_families(families, gateway, HERE)
    return Found(made, records, {each.resource_type: each for each in coverage}, frozenset(moto.unknown))


def resources() -> Iterator[Resource]:
    """Every type of the specs."""
    for service in specs().values():
        yield from service.resources.values()


def listing(resource: Resource) -> Iterator[Call]:
    """The calls without which nothing is known of *resource*."""
    yield resource.list
    if resource.describe:
        yield resource.describe


def table(found: Found) -> str:
    """The text of SERVED.md."""
    rows: list[str] = []
    absent: list[str] = []
    counts = dict.fromkeys(("records", "nothing there", "not served", "answered wrongly"), 0)
    for service in specs().values():
        outcomes = {resource.type: _outcome(found.coverage[resource.type]) for resource in service.resources.values()}
        for outcome in outcomes.values():
            counts[outcome] += 1
        if set(outcomes.values()) == {"not served"}:
            absent.append(service.name)
        else:
            rows += [_row(found.coverage[type], outcome) for type, outcome in outcomes.items()]
    return "\n".join(
        [
            "# What moto serves",
            "",
            "Written by `python -m tests.moto.write_served`: what the specs read in one account and region from a moto that holds what",
            "`seeds.toml` puts there. `test_ring.py` holds it.",
            "",
            "| types of the specs | |",
            "|---|---|",
            *(f"| {outcome} | {count} |" for outcome, count in counts.items()),
            "",
            "| type | | records | IAM actions of operations that moto does not have | IAM actions that are answered wrongly, and how |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "Of these services moto serves no type:",
            f"{', '.join(absent)}.",
            "",
        ]
    )


def _row(coverage: CoverageRecord, outcome: str) -> str:
    lacks = sorted(gap.action for gap in coverage.gaps if gap.code in NOT_IMPLEMENTED)
    wrong = sorted(f"{gap.action} {gap.code}" for gap in coverage.gaps if gap.code not in NOT_IMPLEMENTED)
    return f"| {coverage.resource_type} | {outcome} | {coverage.resources or ''} | {', '.join(lacks)} | {', '.join(wrong)} |"


def _outcome(coverage: CoverageRecord) -> str:
    if coverage.resources:
        return "records"
    if coverage.complete and not coverage.gaps:
        return "nothing there"
    return "not served" if all(gap.code in NOT_IMPLEMENTED for gap in coverage.gaps) else "answered wrongly"


def arns_in(value: Any) -> Iterator[str]:
    """Every ARN inside *value*."""
    if isinstance(value, dict):
        for each in value.values():
            yield from arns_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from arns_in(each)
    elif isinstance(value, str) and ARN.fullmatch(value):
        yield value
