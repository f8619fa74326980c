"""What an earlier run has done: which of its tasks are done with, which lines stay, and when it is another run altogether."""

import tracemalloc
from typing import Any

import orjson
import pytest

from collector.errors import SettingsError
from collector.plan import Target, Task
from collector.record import CoverageRecord, Gap, Kind
from collector.resume import Earlier, about, require_same
from collector.run import Progress
from collector.settings import RunSettings
from collector.spec.reader import read_spec
from tests.scripted.scripted import SPECS
from tests.scripted.test_run import TOPIC, tasks


def covered(account: int, *kinds: Kind, key: str = "sns.topic", at: str = "1") -> bytes:
    """A coverage line of *key* in *account*, with a gap of each of *kinds*."""
    return orjson.dumps(
        CoverageRecord(
            account_id=f"{account:012}",
            calls=1,
            complete=not kinds,
            gaps=tuple(Gap(action="sns:ListTopics", code="Code", kind=kind) for kind in kinds),
            observed_at="2026-11-25T00:00:00.000Z",
            partition="aws",
            region="eu-west-1",
            resource_type="AWS::SNS::Topic",
            resources=2,
            retries=0,
            scan_id=f"{account:012}/eu-west-1/{key}@20261125T00000{at}.000Z",
            seconds=0.1,
            service="sns",
        )
    )


@pytest.mark.parametrize("kind", ["throttled", "unreachable", "cut", "failed"])
def test_gaps_that_may_pass_are_tried_again_and_the_others_stay(kind: Kind) -> None:
    earlier, progress = Earlier(), Progress()
    lines = (covered(0), covered(1, "denied"), covered(2, "denied", kind), covered(3, "unavailable"), covered(4, "halted"))
    for line in lines:
        earlier.tell(line)

    left = earlier.settle(tasks(6))
    for line in lines:
        earlier.counting(progress.add)(line)

    assert list(left) == [0, 0, 1, 0, 0, 1]
    assert (progress.coverage, progress.resources["AWS::SNS::Topic"], progress.gaps["denied"]) == (4, 8, 1)
    assert [earlier.keep(covered(account)) for account in range(6)] == [True, True, False, True, True, False]


def test_lines_of_a_scan_that_was_done_again_go() -> None:
    earlier = Earlier()
    earlier.tell(covered(0, "cut", at="1"))
    earlier.tell(covered(0, at="2"))
    earlier.settle(tasks(1))

    assert earlier.keep(covered(0, at="2"))
    assert not earlier.keep(covered(0, at="1"))
    assert not earlier.keep(b'{"scan_id":')
    assert not earlier.keep(b'{"scan_id":1}')


def test_a_family_is_done_when_all_its_types_are() -> None:
    (ecs,) = read_spec("ecs", (SPECS / "ecs.toml").read_text()).families(frozenset({"cluster", "service"}))
    task = Task(ecs, Target("aws", "000000000000", "eu-west-1"))
    first, *others = [resource.key for resource in ecs.written()]
    earlier = Earlier()

    for key in others:
        earlier.tell(covered(0, key=f"ecs.{key}"))
    assert earlier.settle([task]) == b"\1"
    assert not any(earlier.keep(covered(0, key=f"ecs.{key}")) for key in others)
    earlier.tell(covered(0, key=f"ecs.{first}"))
    assert earlier.settle([task]) == b"\0"
    assert all(earlier.keep(covered(0, key=f"ecs.{key}")) for key in (first, *others))


def test_lines_of_accounts_that_are_no_longer_read_go() -> None:
    earlier = Earlier()
    for account in range(9):
        earlier.tell(covered(account))

    earlier.settle(tasks(3))

    assert [earlier.keep(covered(account)) for account in range(9)] == [True] * 3 + [False] * 6


def test_many_lines_take_little_memory() -> None:
    earlier = Earlier()
    tracemalloc.start()
    for account in range(2_000):
        earlier.tell(covered(account))
        for number in range(9):
            earlier.tell(covered(account, key=f"sns.topic{number}"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 20_000 * 8 * 2 + 2_000 * 200, "eight bytes a line, and the accounts' names"


def asked(**settings: Any) -> dict[str, Any]:
    return about(RunSettings(role="Inventory", to="out", **settings), [TOPIC])


def test_another_run_is_told_apart_by_all_that_differs() -> None:
    begun = asked(account=("111111111111",), region=("eu-*",))

    require_same(begun, asked(account=("111111111111",), region=("eu-*",), workers=3, deadline="5m", compress=True))
    with pytest.raises(SettingsError) as raised:
        require_same({**begun, "specs": "other"}, asked(account=("222222222222",)))

    assert str(raised.value) == (
        "resume: this is not the run that was begun there: account was ['111111111111'] and is ['222222222222']; "
        "region was ['eu-*'] and is []; the specs differ (other services or types were chosen, or the collector was upgraded)"
    )


@pytest.mark.parametrize("begun", [{}, {"settings": []}, {"settings": {"account": {}}, "specs": 5}])
def test_what_is_no_run_of_ours_is_another_run(begun: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="this is not the run"):
        require_same(begun, asked())
