import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.iam.document import Condition, Document, PolicyUnreadableError, read_document

ALLOW_LIST = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [ALLOW_LIST]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "444455556666"], "Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "abc"}, "Bool": {"aws:MultiFactorAuthPresent": True}},
    },
}


@pytest.mark.parametrize(
    "source",
    [
        json.dumps(POLICY),
        quote(json.dumps(POLICY)),
        quote(json.dumps(POLICY), safe=""),
        POLICY,
        f"\n {json.dumps(POLICY)}",
    ],
    ids=["text", "url-encoded", "all url-encoded", "decoded", "led by space"],
)
def test_every_form_in_which_iam_hands_out_a_document_reads_the_same(source: str | dict[str, Any]) -> None:
    [statement] = read_document(source).statements

    assert statement.allows
    assert statement.actions == ("s3:ListAllMyBuckets",)
    assert statement.not_actions is None
    assert statement.resources == ("*",)
    assert statement.label == "statement 1"


def test_a_percent_sign_inside_plain_json_is_left_alone() -> None:
    source = json.dumps({"Statement": {**ALLOW_LIST, "Resource": "arn:aws:s3:::logs/%7Bday%7D"}})

    assert read_document(source).statements[0].resources == ("arn:aws:s3:::logs/%7Bday%7D",)


def test_a_single_statement_needs_no_list() -> None:
    assert read_document({"Statement": ALLOW_LIST}) == read_document({"Statement": [ALLOW_LIST]})


def test_element_names_and_effects_are_read_in_any_case() -> None:
    odd = {"STATEMENT": [{"effect": "ALLOW", "action": "s3:ListAllMyBuckets", "RESOURCE": "*"}]}

    assert read_document(odd) == read_document(POLICY)


def test_a_pattern_written_twice_counts_once() -> None:
    twice = {"Statement": {**ALLOW_LIST, "Action": ["s3:ListAllMyBuckets", "s3:ListAllMyBuckets"]}}

    assert read_document(twice).statements[0].actions == ("s3:ListAllMyBuckets",)


def test_a_sid_names_its_statement_and_a_number_the_others() -> None:
    document = read_document({"Statement": [{**ALLOW_LIST, "Sid": "Buckets"}, ALLOW_LIST]})

    assert [statement.label for statement in document.statements] == ["Buckets", "statement 2"]


def test_a_trust_policy_keeps_principals_and_conditions() -> None:
    [statement] = read_document(TRUST).statements

    assert statement.principals == (
        ("AWS", "arn:aws:iam::111122223333:root"),
        ("AWS", "444455556666"),
        ("Service", "ec2.amazonaws.com"),
    )
    assert statement.conditions == (
        Condition("StringEquals", "sts:ExternalId", ("abc",)),
        Condition("Bool", "aws:MultiFactorAuthPresent", ("true",)),
    )
    assert statement.resources is None


def test_anybody_as_principal_is_seen() -> None:
    anybody = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}

    assert read_document(anybody).statements[0].principals == (("*", "*"),)


def test_a_condition_without_a_key_still_makes_its_statement_conditional() -> None:
    document = read_document({"Statement": {**ALLOW_LIST, "Condition": {"StringEquals": {}}}})

    assert document.statements[0].conditions


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("null", "the document is not an object"),
        ("[]", "the document is not an object"),
        ("{}", "no Statement"),
        ('{"Statement": [], "Statement": []}', "written twice"),
        ({"Statement": [], "statement": []}, "written twice"),
        ({"Statement": [], "Statemnt": []}, "unknown element 'statemnt'"),
        ({"Statement": ["Allow"]}, "statement 1 is not an object"),
        ({"Statement": [ALLOW_LIST, {"Action": "*"}]}, "statement 2: Effect"),
        ({"Statement": {**ALLOW_LIST, "Effect": "Maybe"}}, "Effect"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "exactly one of Action and NotAction"),
        ({"Statement": {**ALLOW_LIST, "NotAction": "s3:*"}}, "exactly one of Action and NotAction"),
        ({"Statement": {**ALLOW_LIST, "NotResource": "*"}}, "both Resource and NotResource"),
        ({"Statement": {**ALLOW_LIST, "Action": 7}}, "neither a string nor a list of strings"),
        ({"Statement": {**ALLOW_LIST, "Action": [["*"]]}}, "neither a string nor a list of strings"),
        ({"Statement": {**ALLOW_LIST, "Action": None}}, "neither a string nor a list of strings"),
        ({"Statement": {**ALLOW_LIST, "Conditions": {}}}, "unknown element 'conditions'"),
        ({"Statement": {**ALLOW_LIST, "Condition": "x"}}, "Condition is not an object"),
        ({"Statement": {**ALLOW_LIST, "Condition": {"Bool": "true"}}}, "the condition Bool"),
        ({"Statement": {**ALLOW_LIST, "Condition": {"Bool": {"k": None}}}}, "a value of the condition Bool"),
        ({"Statement": {**ALLOW_LIST, "Principal": 7}}, "principal is neither"),
    ],
)
def test_what_iam_would_not_have_stored_is_refused_and_the_place_named(source: Any, says: str) -> None:
    with pytest.raises(PolicyUnreadableError, match=says):
        read_document(source)


ELEMENTS = st.sampled_from(
    [
        "Version",
        "Id",
        "Statement",
        "statement",
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "Condition",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["Allow", "Deny", "*"])
GARBAGE = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ELEMENTS | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)

ALMOST_STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "deny", "", 1]), "Action": GARBAGE | st.just("s3:*")},
    optional={"Sid": GARBAGE, "Resource": GARBAGE, "Principal": GARBAGE, "Condition": GARBAGE},
)


@given(GARBAGE | st.fixed_dictionaries({"Statement": GARBAGE | ALMOST_STATEMENTS}))
def test_garbage_is_read_or_refused_and_nothing_else(garbage: Any) -> None:
    for source in (garbage, json.dumps(garbage), quote(json.dumps(garbage))):
        with suppress(PolicyUnreadableError):
            assert isinstance(read_document(source), Document)


@given(st.text())
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(PolicyUnreadableError):
        assert isinstance(read_document(text), Document)
