"""Metrics with a scripted CloudWatch: what is asked, what its answers mean, and that every series has its line whatever happens."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import anyio
import pytest

from collector.aws.api_error import ApiError
from collector.metrics.batches import QUERIES
from collector.metrics.measure import Metering, Scope
from collector.metrics.price import Budget
from collector.metrics.series import Series, Subject
from collector.plan import Account, Target
from collector.record import CoverageRecord, Gap, Record, UtilisationRecord
from collector.spec.model import Metrics
from collector.stop import Stop
from tests.scripted.scripted import ScriptedGateway, denied, failing

HERE = Target("aws", "111122223333", "eu-west-1")
END = date(2026, 11, 25)
YES = Account(HERE.account_id, "aws", (HERE.region, "us-east-1"), disabled_regions=("me-south-1",))
SUBJECT = Subject(
    HERE.account_id, "arn:aws:sqs:eu-west-1:111122223333:q", "aws", HERE.region, "q", "AWS::SQS::Queue", "sqs", HERE, is_global=False
)
SQS = Metrics("AWS/SQS", {}, {"NumberOfMessagesSent": ("Sum",)}, "zero", 3)
EC2 = Metrics("AWS/EC2", {}, {"CPUUtilization": ("Average", "Maximum")}, "unknown", 3)


def queue(name: str, *, metrics: Metrics = SQS, target: Target = HERE, region: str | None = None, reason: str | None = None) -> Series:
    where = {"target": target, "region": region or target.region, "account_id": target.account_id, "is_global": region == "global"}
    subject = replace(SUBJECT, resource_id=name, **where)
    return Series(subject, metrics, next(iter(metrics.statistics)), (("QueueName", name),), reason)


def result(id: str, values: Mapping[str, float] | None = None, code: str = "Complete") -> dict[str, Any]:
    values = values or {}
    return {"Id": id, "Label": id, "Timestamps": list(values), "Values": list(values.values()), "StatusCode": code}


def answered(params: Mapping[str, Any]) -> dict[str, Any]:
    """Every query has one point, on the last day."""
    return {"MetricDataResults": [result(query["Id"], {"2026-11-24T00:00:00Z": 7.0}) for query in params["MetricDataQueries"]]}


class Collected:
    """What a collection of *series* writes."""

    def __init__(
        self,
        series: Iterable[Series],
        answers: Any = answered,
        *,
        account: Account = YES,
        limit: float | None = None,
        stop: Stop | None = None,
        with_global: bool = True,
    ) -> None:
        self.gateway = ScriptedGateway(GetMetricData=answers)
        self.records: list[Record] = []
        self.budget = Budget(limit=limit)
        scope = Scope({account.id: account}, with_global)
        metering = Metering(self.gateway, scope, self._write, self.budget, stop or Stop(), END)
        self.done = anyio.run(metering.measure, series)

    async def _write(self, records: Sequence[Record]) -> None:
        self.records += records

    @property
    def lines(self) -> list[UtilisationRecord]:
        return [record for record in self.records if isinstance(record, UtilisationRecord)]

    @property
    def coverage(self) -> list[CoverageRecord]:
        return [record for record in self.records if isinstance(record, CoverageRecord)]

    def became(self) -> dict[str, tuple[str, str | None]]:
        """Status and reason, by resource."""
        return {line.resource_id: (line.status, line.reason) for line in self.lines}


def test_a_series_is_asked_for_by_day_up_to_the_last_whole_one() -> None:
    collected = Collected([queue("q", metrics=EC2)])

    (params,) = collected.gateway.params("GetMetricData")
    metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": [{"Name": "QueueName", "Value": "q"}]}
    assert params == {
        "MetricDataQueries": [
            {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 86400, "Stat": statistic}, "ReturnData": True}
            for number, statistic in enumerate(("Average", "Maximum"))
        ],
        "StartTime": datetime(2026, 11, 22, tzinfo=UTC),
        "EndTime": datetime(2026, 11, 25, tzinfo=UTC),
        "ScanBy": "TimestampAscending",
    }


def test_a_line_has_a_value_for_each_day_and_statistic() -> None:
    def answer(_: Mapping[str, Any]) -> dict[str, Any]:
        days = {"2026-11-22T00:00:00Z": 1.5, "2026-11-24T00:00:00+00:00": 2.0, "2026-11-25T00:00:00Z": 99.0, "2026-11-21T00:00:00Z": 98.0}
        return {"MetricDataResults": [result("m1", {"2026-11-23T00:00:00Z": 9}), result("m0", days)]}

    (line,) = Collected([queue("q", metrics=EC2)], answer).lines

    assert line.values == {"Average": (1.5, None, 2.0), "Maximum": (None, 9.0, None)}
    assert (line.status, line.unit, line.period, line.missing) == ("ok", "Percent", 86400, "unknown")
    assert (line.start, line.end) == ("2026-11-22T00:00:00.000Z", "2026-11-25T00:00:00.000Z")
    assert (line.namespace, line.metric, line.dimensions) == ("AWS/EC2", "CPUUtilization", {"QueueName": "q"})


def test_no_point_is_no_data_and_never_zero() -> None:
    (line,) = Collected([queue("q")], lambda _: {"MetricDataResults": [result("m0")]}).lines
    assert (line.status, line.missing, line.values, line.reason) == ("no_data", "zero", {}, None)


def test_a_result_may_come_in_parts() -> None:
    pages = [
        {"MetricDataResults": [result("m0", {"2026-11-22T00:00:00Z": 1}, "PartialData")], "NextToken": "more"},
        {"MetricDataResults": [result("m0", {"2026-11-24T00:00:00Z": 3})]},
    ]
    collected = Collected([queue("q")], pages)

    (line,) = collected.lines
    assert (line.status, line.values) == ("ok", {"Sum": (1.0, None, 3.0)})
    assert [params.get("NextToken") for params in collected.gateway.params("GetMetricData")] == [None, "more"]
    assert (collected.done.calls, collected.budget.metrics) == (2, 1)


@pytest.mark.parametrize("code", ["PartialData", "InternalError", "Forbidden"])
def test_what_is_not_answered_in_full_is_an_error_and_a_gap(code: str) -> None:
    def answer(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"MetricDataResults": [result("m0", {"2026-11-24T00:00:00Z": 3}, code), result("m1", {"2026-11-24T00:00:00Z": 4})]}

    collected = Collected([queue("a"), queue("b")], answer)

    assert collected.became() == {"a": ("error", f"CloudWatch: {code}"), "b": ("ok", None)}
    assert [(gap.kind, gap.code) for gap in collected.coverage[0].gaps] == [("failed", code)]
    assert not collected.coverage[0].complete


def test_a_query_without_an_answer_is_an_error() -> None:
    collected = Collected([queue("a")], lambda _: {"MetricDataResults": []})
    assert collected.became() == {"a": ("error", "CloudWatch: NoAnswer")}


@pytest.mark.parametrize(
    "answer", [{"MetricDataResults": [{"Id": "m7"}]}, {"MetricDataResults": [{"Id": "m0", "Timestamps": ["x"], "Values": [1]}]}]
)
def test_an_answer_of_another_shape_is_an_error(answer: Any) -> None:
    assert Collected([queue("a")], answer).became() == {"a": ("error", "failed: UnreadableAnswer")}


def test_a_refusal_is_an_error_of_each_series_a_gap_and_costs_nothing() -> None:
    collected = Collected([queue("a"), queue("b")], denied())

    assert collected.became() == dict.fromkeys("ab", ("error", "denied: AccessDenied"))
    (coverage,) = collected.coverage
    assert coverage.gaps == (Gap(action="cloudwatch:GetMetricData", code="AccessDenied", kind="denied", reason="iam"),)
    assert (coverage.complete, coverage.resources, coverage.resource_type) == (False, 2, "AWS::CloudWatch::Metric")
    assert collected.budget.spent == 0


def test_a_name_that_cloudwatch_does_not_take_costs_no_other_series_its_answer() -> None:
    def answer(params: Mapping[str, Any]) -> dict[str, Any] | ApiError:
        names = [query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in params["MetricDataQueries"]]
        return failing("ValidationError") if "größer" in names else answered(params)

    collected = Collected([*(queue(f"q{number}") for number in range(20)), queue("größer")], answer)

    assert Counter(line.status for line in collected.lines) == {"ok": 20, "error": 1}
    assert collected.became()["größer"] == ("error", "failed: ValidationError")
    assert collected.budget.metrics == 20


def test_1201_series_are_three_calls() -> None:
    collected = Collected(queue(f"q{number}") for number in range(1201))

    assert sorted(collected.gateway.sizes("GetMetricData", "MetricDataQueries")) == [201, QUERIES, QUERIES]
    assert Counter(line.status for line in collected.lines) == {"ok": 1201}
    assert len({line.resource_id for line in collected.lines}) == 1201


def test_coverage_comes_after_the_lines_that_it_vouches_for() -> None:
    elsewhere = replace(HERE, region="us-east-1")
    collected = Collected([queue("a"), queue("b", target=elsewhere), queue("c", reason="It is off.")])

    assert [type(record) for record in collected.records] == [UtilisationRecord] * 3 + [CoverageRecord] * 2
    assert {line.scan_id for line in collected.lines} == {coverage.scan_id for coverage in collected.coverage}
    assert all(coverage.complete for coverage in collected.coverage)
    assert collected.became()["c"] == ("not_collected", "It is off.")


def test_the_cost_limit_stops_before_the_call_that_would_pass_it() -> None:
    collected = Collected((queue(f"q{number}") for number in range(1500)), limit=0.01)

    assert collected.gateway.sizes("GetMetricData", "MetricDataQueries") == [500, 500]
    assert Counter(line.reason for line in collected.lines) == {None: 1000, "The cost limit was reached.": 500}
    assert [(gap.kind, gap.code) for gap in collected.coverage[0].gaps] == [("cut", "CostLimit")]
    assert collected.budget.spent == 0.01


def test_the_first_call_that_would_pass_the_limit_is_the_end() -> None:
    elsewhere = replace(HERE, region="us-east-1")
    collected = Collected([*(queue(f"q{number}") for number in range(501)), queue("small", target=elsewhere)], limit=0.00499)
    assert (collected.gateway.asked, {line.status for line in collected.lines}) == ([], {"not_collected"})


def test_calls_that_are_refused_use_up_no_limit() -> None:
    elsewhere = replace(HERE, region="us-east-1")

    def answer(params: Mapping[str, Any]) -> dict[str, Any] | ApiError:
        refused = any(query["MetricStat"]["Metric"]["Dimensions"][0]["Value"].startswith("no") for query in params["MetricDataQueries"])
        return denied() if refused else answered(params)

    series = [queue(f"no{number}", target=elsewhere) for number in range(3000)] + [queue(f"q{number}") for number in range(1000)]
    collected = Collected(series, answer, limit=0.01)

    assert Counter((line.region, line.status) for line in collected.lines) == {("us-east-1", "error"): 3000, (HERE.region, "ok"): 1000}
    assert collected.budget.spent == 0.01


def test_a_limit_of_nothing_asks_for_nothing() -> None:
    collected = Collected([queue("a")], limit=0)
    assert collected.gateway.asked == []
    assert collected.became() == {"a": ("not_collected", "The cost limit was reached.")}


def test_a_halted_account_is_not_asked_about() -> None:
    halted = replace(YES, blocked=Gap(action="sts:GetCallerIdentity", code="ReadsCustomerData", kind="halted"))
    collected = Collected([queue("a"), queue("b")], account=halted)

    assert collected.gateway.asked == []
    assert collected.became() == dict.fromkeys("ab", ("error", "halted: ReadsCustomerData"))
    assert [gap.kind for gap in collected.coverage[0].gaps] == ["halted"]


def test_a_region_that_is_switched_off_is_not_asked() -> None:
    collected = Collected([queue("a", target=replace(HERE, region="me-south-1"))])
    assert collected.gateway.asked == []
    assert collected.became() == {"a": ("error", "unavailable: RegionDisabled")}


@pytest.mark.parametrize(
    ("series", "with_global"),
    [
        (queue("a", target=replace(HERE, account_id="999999999999")), True),
        (queue("a", target=replace(HERE, region="ap-south-1")), True),
        (queue("a", region="global"), False),
    ],
)
def test_what_was_not_chosen_has_no_line(series: Series, *, with_global: bool) -> None:
    collected = Collected([series], with_global=with_global)
    assert (collected.records, collected.gateway.asked) == ([], [])


def test_what_has_no_region_is_asked_for_whatever_regions_were_chosen() -> None:
    collected = Collected([queue("a", target=replace(HERE, region="us-west-2"), region="global")])
    assert collected.gateway.targets("GetMetricData") == [replace(HERE, region="us-west-2")]
    assert collected.lines[0].region == "global"


def test_once_it_is_to_stop_the_rest_is_cut() -> None:
    stop = Stop()

    def first_only(params: Mapping[str, Any]) -> dict[str, Any]:
        stop.ask("Deadline")
        return answered(params)

    collected = Collected((queue(f"q{number}") for number in range(8000)), first_only, stop=stop)

    statuses = Counter(line.status for line in collected.lines)
    assert statuses.total() == 8000
    assert statuses["ok"] == 500 * len(collected.gateway.asked) < 8000
    assert {line.reason for line in collected.lines} == {None, "The collection was cut."}
    assert [(gap.kind, gap.code) for gap in collected.coverage[0].gaps] == [("cut", "Deadline")]
    assert collected.budget.metrics == statuses["ok"]
