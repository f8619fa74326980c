"""Nothing that several other collectors read is forgotten: it is in a spec, or it is said why not."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from collector.spec.api import service_model, service_names
from tests.model.ring import calls_of, specs

LISTS: Mapping[str, Mapping[str, str]] = tomllib.loads(Path(__file__).with_name("peer_operations.toml").read_text(encoding="utf-8"))
WANTED = {f"{service}.{operation}" for service, operations in LISTS["operations"].items() for operation in operations.split()}
LEFT_OUT = LISTS["left_out"]


def called() -> set[str]:
    return {f"{call.service}.{call.operation}" for service in specs().values() for _, call in calls_of(service)}


def test_what_three_other_collectors_call_is_called_or_left_out_with_a_reason() -> None:
    assert sorted(WANTED - called() - LEFT_OUT.keys()) == []
    assert [name for name, reason in LEFT_OUT.items() if len(reason.split()) < 4] == []


def test_nothing_is_left_out_that_is_called_or_that_nobody_calls() -> None:
    assert sorted(LEFT_OUT.keys() & called()) == []
    assert sorted(LEFT_OUT.keys() - WANTED) == []


def test_every_operation_on_the_list_is_one_of_aws() -> None:
    unknown = {name for name in WANTED if name.partition(".")[0] not in service_names()}
    unknown |= {name for name in WANTED - unknown if name.partition(".")[2] not in service_model(name.partition(".")[0]).operation_names}
    assert unknown == set()
