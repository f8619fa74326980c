"""The benchmark in its smallest size: every contender does the same work, and no seam that it replaces has moved."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))

from benchmark.calls import work_of  # noqa: E402
from benchmark.cases import CASES, REGIONS  # noqa: E402
from benchmark.measure import told  # noqa: E402
from benchmark.server import served  # noqa: E402
from benchmark.without import SWITCHES  # noqa: E402
from benchmark.work import Work  # noqa: E402

MIX = CASES["mix"]
CALLS = len(REGIONS) * (len(MIX.services) - 1) + 1
RESOURCES = len(REGIONS) * sum(MIX.items.values()) - (len(REGIONS) - 1) * MIX.items["iam"]


def bench(tmp_path: Path, *arguments: str) -> Any:
    """The figures of ``scripts/bench`` with *arguments*."""
    to = tmp_path / "figures.json"
    command = [ROOT / "scripts" / "bench", *arguments, "--accounts", "1", "--repeat", "1", "--json", to]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {name: part["figures"] for name, part in json.loads(to.read_text()).items()}


@pytest.mark.slow
def test_every_contender_makes_the_same_calls_and_finds_the_same_resources(tmp_path):
    contenders = bench(tmp_path, "calls", "--case", "mix")["calls"]["mix"]

    assert {name: (cost["calls"], cost["resources"]) for name, cost in contenders.items()} == dict.fromkeys(
        ("ours", "floor", "shared", "naive"), (CALLS, RESOURCES)
    )
    assert all(cost["cpu_ms"] > 0 and cost["bytes_sent"] > 1000 for cost in contenders.values())


@pytest.mark.slow
def test_parts_without_contenders_tell_their_figures(tmp_path):
    figures = bench(tmp_path, "start", "plan")

    assert figures["start"]["all specs"]["seconds"] > 0
    assert figures["plan"]["1"]["tasks"] > 10_000


@pytest.mark.slow
def test_what_an_optimisation_gains_is_told_for_calls_and_for_the_clients_of_all_specs(tmp_path):
    figures = bench(tmp_path, "gains", "--case", "mix", "--without", "jmespath", "pruning", "letting-go")["gains"]

    assert set(figures["mix"]) == {"everything", "jmespath"}
    assert set(figures["clients"]) == {"everything", "one for each region", "pruning", "letting-go"}
    assert all(cost["cpu_seconds"] > 0 for part in figures.values() for cost in part.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "without",
    [("direct",), ("moments",), tuple(name for name in SWITCHES if name not in ("direct", "moments"))],
    ids=["direct", "moments", "rest"],
)
def test_without_its_optimisations_the_collector_finds_the_same(without):
    with served(sizes=MIX.sizes, regions=REGIONS) as aws:
        cost = told("ours", aws, Work(MIX.services, REGIONS, 1, 8, without))

    assert (cost["calls"], cost["resources"]) == (CALLS, RESOURCES)


def test_a_case_gives_each_contender_at_most_so_many_accounts():
    assert work_of(MIX.shrunk(10), "ours").timed == tuple(f"{number:012}" for number in range(1, 11))
    assert work_of(MIX.shrunk(10), "naive").accounts == 1
