"""Every call that the specs allow, one by one: known to the emulator or not, enforced or not, and open to the generated role."""

import pytest

from collector.iam.permissions import WITHHELD, permissions
from collector.spec import facts
from collector.spec.api import service_model
from collector.spec.model import Call
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.enforced.asking import Identity, client, root_of
from tests.enforced.conftest import ROLE, TRIED, World, probe
from tests.enforced.probe import Answer, Asked
from tests.enforced.served import MISNAMED, TABLE, table, unenforced

pytestmark = pytest.mark.enforced

AT_LEAST_SERVED, AT_LEAST_REFUSED, AT_LEAST_DATA_READS = 500, 300, 60
"""Well below what was seen (770, 1,010, 121): under it, these tests would look at nothing."""


def test_what_the_emulator_serves_is_written_down(calls: list[Call], probed: dict[str, dict[Asked, Answer]]) -> None:
    seen = table(calls, probed["root"], probed["nothing"])
    assert TABLE.read_text() == seen, (
        "the specs or the emulator have changed: .venv/bin/python -m tests.enforced.write_served, and look at the difference"
    )


def test_a_role_without_policies_is_refused_each_call_under_the_action_that_we_grant(
    calls: list[Call], probed: dict[str, dict[Asked, Answer]]
) -> None:
    ours = {(call.service, call.operation): call.action for call in calls}
    enforced = {asked: answer for asked, answer in probed["nothing"].items() if answer.denied}
    assert len(enforced) > AT_LEAST_SERVED
    other = {asked: answer.action for asked, answer in enforced.items() if answer.action and answer.action != ours[asked]}
    assert other == dict(MISNAMED)
    assert unenforced(probed["root"], probed["nothing"]).isdisjoint(enforced)


def test_the_generated_role_may_make_each_call(world: World, calls: list[Call], role_session: Identity) -> None:
    served = [call for call in calls if call.service in world.services]
    found = probe(world.url, served, {"role": role_session}, TRIED)["role"]
    denied = {asked: answer.message for asked, answer in found.items() if answer.denied}
    assert {asked: message for asked, message in denied.items() if asked not in MISNAMED and asked not in WITHHELD} == {}


def test_the_generated_role_is_refused_what_no_spec_names(
    world: World, calls: list[Call], role_session: Identity, nobody: Identity
) -> None:
    """Of the operations outside the specs, those that read more than a list; of the thousands that write, one of each service."""
    others = [call for service in world.services for call in _outside(service, {(call.service, call.operation) for call in calls})]
    found = probe(world.url, others, {"role": role_session, "nothing": nobody}, TRIED)
    enforced = {asked: answer.action for asked, answer in found["nothing"].items() if answer.denied}
    granted = {row.action for row in permissions(families(read_specs()))}
    assert len(enforced) > AT_LEAST_REFUSED
    opened = {asked: action for asked, action in enforced.items() if not found["role"][asked].denied and action not in granted}
    assert opened == {}


def _outside(service: str, specs: set[Asked]) -> list[Call]:
    """Operations of *service* that no spec names."""
    model = service_model(service)
    others = [
        Call(service, name, f"{service}:{name}")
        for name in model.operation_names
        if (service, name) not in specs and not model.operation_model(name).has_event_stream_output
    ]
    reads = [call for call in others if _level(call) == "Read"]
    writes = [call for call in others if _level(call) not in ("List", "Read")]
    return reads + writes[:1]


def _level(call: Call) -> str | None:
    fact = facts.actions_for(call.service, call.operation)
    return fact.level if fact else None


def test_the_deny_holds_even_when_somebody_attaches_everything(world: World, calls: list[Call], role_session: Identity) -> None:
    data_reads = [
        Call(service, operation, fact.actions[0])
        for service in world.services
        for operation in service_model(service).operation_names
        if (fact := facts.actions_for(service, operation)) and any(map(_is_data_read, fact.actions))
        if not service_model(service).operation_model(operation).has_event_stream_output
        if (service, operation) not in {(call.service, call.operation) for call in calls}
    ]
    iam = client(world.url, root_of(TRIED), "iam")
    before = probe(world.url, data_reads, {"role": role_session}, TRIED)["role"]
    enforced = {asked for asked, answer in before.items() if answer.action and _is_data_read(answer.action)}
    assert len(enforced) > AT_LEAST_DATA_READS
    topic = Call("sns", "CreateTopic", "sns:CreateTopic")
    everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    iam.put_role_policy(RoleName=ROLE, PolicyName="everything", PolicyDocument=everything)
    try:
        after = probe(world.url, data_reads, {"role": role_session}, TRIED)["role"]
        assert not probe(world.url, [topic], {"role": role_session}, TRIED)["role"]["sns", "CreateTopic"].denied
    finally:
        iam.delete_role_policy(RoleName=ROLE, PolicyName="everything")
    assert {asked for asked in enforced if not after[asked].denied} == set()


def _is_data_read(action: str) -> bool:
    denied = facts.denied(action)
    return denied is not None and denied.tier == "halt"
