"""A whole run over HTTP in which services refuse, each in its own way: the right gap for each, and the run goes on."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.exit import Exit
from collector.inventory import take_snapshot
from collector.settings import RunSettings
from tests.synthetic import Fault, Settings, serving

FAULTS = (
    Fault(service="sqs", code="AccessDeniedException", status=400, message="with an explicit deny in a service control policy"),
    Fault(service="sns", code="Throttling", status=400),
    Fault(service="kinesis", kind="reset"),
    Fault(service="securityhub", code="InvalidAccessException", status=401),
    Fault(service="dynamodb", code="OptInRequired", status=403),
    Fault(service="ecr", code="RepositoryPolicyNotFoundException", operation="GetRepositoryPolicy", status=400),
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer attempts: the waiting between them is tested where time costs nothing."""
    monkeypatch.setattr("collector.aws.gateway.ATTEMPTS", {"throttled": 2, "failed": 1, "unreachable": 2})


@pytest.mark.usefixtures("impatient")
async def test_each_refusal_leaves_its_gap_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with serving(Settings(items=2, pages=2, faults=FAULTS, regions=("us-east-1", "eu-west-1"), account="111111111111")) as running:
        for name, value in {"AWS_ENDPOINT_URL": running.url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}.items():
            monkeypatch.setenv(name, value)
        settings = RunSettings(
            type=(
                "sqs.queue", "sns.topic", "kinesis.stream", "securityhub.hub", "dynamodb.table", "ecr.repository", "ec2.vpc",
            ),
            region=("eu-west-1",),
            to=str(tmp_path / "out"),
        )  # fmt: skip
        snapshot = await take_snapshot(settings)

    coverage: dict[str, dict[str, Any]] = {
        line["service"]: line for line in map(orjson.loads, (tmp_path / "out" / "coverage.jsonl").read_bytes().splitlines())
    }
    told = {
        service: (line["complete"], [(gap["kind"], gap["code"], gap["reason"]) for gap in line["gaps"]])
        for service, line in coverage.items()
    }
    assert snapshot.exit_status is Exit.GAPS
    assert told["sqs"] == (False, [("denied", "AccessDeniedException", "scp")])
    assert told["sns"] == (False, [("throttled", "Throttling", None)])
    assert told["kinesis"][0] is False
    assert [kind for kind, _, _ in told["kinesis"][1]] == ["unreachable"]
    assert told["securityhub"] == (True, [])
    assert told["dynamodb"] == (False, [("unavailable", "OptInRequired", None)])
    assert (told["ecr"][0], coverage["ecr"]["resources"]) == (True, 4)
    assert (told["ec2"][0], coverage["ec2"]["resources"]) == (True, 4)
