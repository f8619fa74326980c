"""Do the specs declare every metric that analysers' checks need, on the right type, with its statistics and far enough back?"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector.spec import facts
from collector.spec.model import Resource
from collector.spec.reader import read_specs

HERE = Path(__file__).parent
FACTS: Mapping[str, Mapping[str, Any]] = tomllib.loads((HERE / "wastage_metrics.toml").read_text(encoding="utf-8"))
CHECKS = tomllib.loads((HERE / "wastage_checks.toml").read_text(encoding="utf-8"))
METERED_CHECKS, METRICS, TYPES = 58, 94, 46
"""How many of the 145 checks need metrics; how many metrics, of how many types: 56 checks with 91 of 43 types, the CPU of Auto Scaling
groups, the builds of projects, whose dates are in no answer that may be read, and requests to keys, for botocore cannot ask when it was.
"""


@cache
def metered() -> Mapping[str, Resource]:
    """Every resource that declares metrics, by its type without ``AWS::``."""
    every = (resource for service in read_specs().values() for resource in service.resources.values())
    return {resource.type.removeprefix("AWS::"): resource for resource in every if resource.metrics}


def lacking(need: Mapping[str, Any]) -> str | None:
    """What the spec of the type does not say of a needed metric; None when it says all."""
    blocks = metered()[need["type"]].metrics if need["type"] in metered() else ()
    for block in blocks:
        if (block.namespace, sorted(block.dimensions)) == (need["namespace"], need["dimensions"]) and need["metric"] in block.statistics:
            if block.lookback < need["days"]:
                return f"looks back {block.lookback} days, not {need['days']}"
            absent = set(need["statistics"]) - set(block.statistics[need["metric"]])
            return f"lacks {absent}" if absent else None
    return "is not declared"


@pytest.mark.parametrize("check", FACTS["checks"])
def test_every_metric_that_a_check_needs_is_declared_on_its_type(check: str) -> None:
    needed = {key: FACTS["metrics"][key] for key in FACTS["checks"][check].split()}
    assert needed
    assert {key: what for key, need in needed.items() if (what := lacking(need))} == {}


def test_the_facts_are_whole() -> None:
    known = {name for section in CHECKS.values() for name in section}
    used = {key for keys in FACTS["checks"].values() for key in keys.split()}
    assert len(FACTS["checks"]) == METERED_CHECKS
    assert FACTS["checks"].keys() <= known
    assert used == FACTS["metrics"].keys()
    assert (len(FACTS["metrics"]), len({need["type"] for need in FACTS["metrics"].values()})) == (METRICS, TYPES)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"statistics": ["Sum", "p99"]}, "lacks {'p99'}"),
        ({"days": 33}, "looks back 32 days, not 33"),
        ({"metric": "VolumeWrites"}, "is not declared"),
        ({"dimensions": ["InstanceId"]}, "is not declared"),
        ({"type": "EC2::Snapshot"}, "is not declared"),
    ],
)
def test_a_metric_that_is_not_declared_is_found_lacking(change: Mapping[str, Any], what: str) -> None:
    assert lacking({**FACTS["metrics"]["EBS.wops"], **change}) == what


@pytest.mark.parametrize("type", metered())
def test_every_metric_of_ours_has_its_unit(type: str) -> None:
    for block in metered()[type].metrics:
        assert block.statistics.keys() <= facts.metric_namespaces()[block.namespace].units.keys()
