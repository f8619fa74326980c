"""The session policy: it fits, it takes away nothing that is needed, and it takes away the gravest."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.iam.document import read_document
from collector.iam.evaluate import action_index, allowed
from collector.iam.permissions import permissions
from collector.iam.session_policy import CHARACTERS, session_policy
from collector.iam.verdict import RolePolicy, judge, shipped_table
from collector.spec import facts
from collector.spec.permitted import IN_ACCOUNT_CALLS
from collector.spec.reader import read_specs

SPECS = read_specs()
OWN = frozenset(call.action for call in IN_ACCOUNT_CALLS)
GRAVE = (
    "s3:GetObject", "s3:GetObjectVersion", "secretsmanager:GetSecretValue", "ssm:GetParameters", "kms:Decrypt", "dynamodb:Scan",
    "dynamodb:Query", "dynamodb:GetItem", "sqs:ReceiveMessage", "kinesis:GetRecords", "logs:GetLogEvents", "logs:FilterLogEvents",
    "lambda:GetFunction", "ec2:GetPasswordData", "ecr:BatchGetImage", "rds-data:ExecuteStatement", "ebs:GetSnapshotBlock",
    "athena:GetQueryResults", "sts:AssumeRole", "iam:CreateAccessKey", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:PassRole",
    "iam:UpdateAssumeRolePolicy",
)  # fmt: skip


TAKEN = {name: frozenset(row.action for row in permissions(service.families())) for name, service in SPECS.items()}
EVERYTHING = OWN.union(*TAKEN.values())


def actions(*names: str) -> frozenset[str]:
    """Everything that a session takes that reads these services."""
    return OWN.union(*(TAKEN[name] for name in names))


def statements(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def let_through(text: str) -> frozenset[str]:
    index = action_index(EVERYTHING, onto=shipped_table().index)
    return frozenset(allowed([("the session policy", read_document(text))], index))


def test_a_few_services_are_named_action_by_action() -> None:
    needed = actions("sns")

    assert statements(session_policy(needed)) == [{"Effect": "Allow", "Action": sorted(needed), "Resource": "*"}]


def test_some_services_are_allowed_by_patterns_that_let_no_write_and_no_data_through() -> None:
    needed = actions("ec2", "rds", "s3", "iam", "lambda", "dynamodb", "sqs", "ecs")

    text = session_policy(needed)

    (statement,) = statements(text)
    assert "ec2:Des*" in statement["Action"]
    assert judge([RolePolicy("session", text)], shipped_table()).halted is False
    assert needed <= let_through(text)


def test_of_everything_the_gravest_is_denied() -> None:
    text = session_policy(EVERYTHING)

    assert [statement["Effect"] for statement in statements(text)] == ["Allow", "Deny"]
    assert len(text) > CHARACTERS - 40, "there is room for no more"
    let = let_through(text)
    assert let & set(GRAVE) == set()
    assert [name for name in facts.actions_of("iam") if facts.level_of(name) not in ("List", "Read") and name in let] == []


@pytest.mark.parametrize("name", sorted(SPECS))
def test_one_service_alone_is_never_more_than_what_it_takes_and_harmless_reads(name: str) -> None:
    needed = actions(name)

    text = session_policy(needed)

    assert len(text) <= CHARACTERS
    assert needed <= let_through(text)
    assert {action for action in let_through(text) - needed if facts.level_of(action) not in ("List", "Read")} == set()


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(SPECS))))
def test_whatever_is_chosen_it_fits_and_takes_nothing_needed_away(names: set[str]) -> None:
    needed = actions(*names)

    text = session_policy(needed)

    assert len(text) <= CHARACTERS
    assert needed <= let_through(text)
    # What a spec reads on named resources only (Keyspaces' system tables) is the role's business.
    assert let_through(text) & (set(GRAVE) - needed) == set()


def test_the_same_choice_gives_the_same_text() -> None:
    assert session_policy(EVERYTHING) == session_policy(sorted(EVERYTHING, reverse=True))
