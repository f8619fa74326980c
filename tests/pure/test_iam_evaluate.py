import json
import re
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data
from policy_sentry.analysis.expand import expand as policy_sentry_expand
from policy_sentry.querying.all import get_all_actions

from collector.iam.document import read_document
from collector.iam.evaluate import ActionIndex, action_index, allowed, covers, expand, limited
from collector.spec import facts

FEW = action_index(
    [
        "ec2:DescribeInstances",
        "ec2:DescribeVpcs",
        "ec2:RunInstances",
        "s3:GetBucketTagging",
        "s3:GetObject",
        "s3:ListAllMyBuckets",
        "s3:PutObject",
        "s3-outposts:GetObject",
    ]
)

Statement = dict[str, Any]


def allow(*actions: str, resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions: str, resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Deny", "Action": list(actions), "Resource": resource, **more}


def allowed_by(*statements: Statement, index: ActionIndex = FEW) -> set[str]:
    return set(allowed([("policy", read_document({"Statement": list(statements)}))], index))


@cache
def managed_policies() -> dict[str, Any]:
    return {name: policy["Document"] for name, policy in json.loads(aws_managed_policies_data).items()}


# --- actions ---


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("s3:GetObject", {"s3:GetObject"}),
        ("S3:gEtObJeCt", {"s3:GetObject"}),
        ("s3:Get*", {"s3:GetObject", "s3:GetBucketTagging"}),
        ("s3:*Object", {"s3:GetObject", "s3:PutObject"}),
        ("s3:?etObject", {"s3:GetObject"}),
        ("s3:G*t*", {"s3:GetObject", "s3:GetBucketTagging"}),
        ("s3:G?tObject", {"s3:GetObject"}),
        ("s3:GetObject*", {"s3:GetObject"}),
        ("s3:GetObject?", set()),
        ("s3:Get", set()),
        ("s3:[GP]etObject", set()),
        ("s3*:GetObject", {"s3:GetObject", "s3-outposts:GetObject"}),
        ("*:GetObject", {"s3:GetObject", "s3-outposts:GetObject"}),
        ("sqs:*", set()),
        ("GetObject", set()),
        ("", set()),
    ],
)
def test_a_pattern_stands_for_the_actions_it_matches(pattern: str, matches: set[str]) -> None:
    assert set(expand(pattern, FEW)) == matches


@pytest.mark.parametrize("pattern", ["*", "**", "*:*"])
def test_a_lone_star_is_every_action(pattern: str) -> None:
    assert len(expand(pattern, FEW)) == 8


def test_not_action_allows_all_that_it_does_not_list() -> None:
    statement = {"Effect": "Allow", "NotAction": ["s3:*", "S3-OUTPOSTS:*"], "Resource": "*"}

    assert allowed_by(statement) == {"ec2:DescribeInstances", "ec2:DescribeVpcs", "ec2:RunInstances"}


def test_not_resource_still_allows() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::secret/*"}

    assert allowed_by(statement) == {"s3:GetObject"}


def test_each_grant_knows_its_policy_statement_pattern_and_resources() -> None:
    documents = [
        (
            "first",
            read_document({"Statement": [allow("s3:List*"), allow("s3:Get*", resource="arn:aws:s3:::b/*", Sid="Read")]}),
        ),
        ("second", read_document({"Statement": allow("s3:GetObject")})),
    ]

    [narrow, wide] = allowed(documents, FEW)["s3:GetObject"]

    assert (narrow.policy, narrow.statement, narrow.pattern, narrow.resources) == (
        "first",
        "Read",
        "s3:Get*",
        ("arn:aws:s3:::b/*",),
    )
    assert (wide.policy, wide.statement, wide.pattern, wide.resources) == (
        "second",
        "statement 1",
        "s3:GetObject",
        ("*",),
    )


# --- Deny ---


def test_an_unconditional_deny_on_everything_takes_the_action_away() -> None:
    assert allowed_by(allow("s3:*"), deny("s3:*OBJECT")) == {"s3:GetBucketTagging", "s3:ListAllMyBuckets"}


def test_a_deny_in_another_policy_counts_too() -> None:
    documents = [
        ("first", read_document({"Statement": allow("s3:GetObject")})),
        ("second", read_document({"Statement": deny("s3:GetObject")})),
    ]

    assert not allowed(documents, FEW)


def test_a_deny_of_all_but_a_few_actions_leaves_the_few() -> None:
    statement = {"Effect": "Deny", "NotAction": "ec2:Describe*", "Resource": "*"}

    assert allowed_by(allow("*"), statement) == {"ec2:DescribeInstances", "ec2:DescribeVpcs"}


@pytest.mark.parametrize(
    "statement",
    [
        deny("s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        deny("s3:GetObject", Condition={"StringEquals": {}}),
        deny("s3:GetObject", resource="arn:aws:s3:::secret/*"),
        deny("s3:GetObject", resource=[]),
        {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::public/*"},
        {"Effect": "Deny", "Action": "s3:GetObject"},
    ],
    ids=["conditional", "empty condition", "part of the resources", "no resources", "NotResource", "no Resource"],
)
def test_a_deny_that_may_not_hold_takes_nothing_away(statement: Statement) -> None:
    assert allowed_by(allow("s3:GetObject"), statement) == {"s3:GetObject"}


def test_a_deny_leaves_the_resources_that_it_does_not_cover() -> None:
    document = read_document(
        {
            "Statement": [
                allow("s3:GetObject", resource=["arn:aws:s3:::secret/a*", "arn:aws:s3:::public/*"]),
                deny("s3:GetObject", resource="arn:aws:s3:::secret/*"),
            ]
        }
    )

    [grant] = allowed([("policy", document)], FEW)["s3:GetObject"]

    assert grant.resources == ("arn:aws:s3:::public/*",)


def test_an_empty_condition_is_none() -> None:
    assert not allowed_by(allow("s3:GetObject"), deny("s3:GetObject", Condition={}))


# --- boundaries ---


def test_a_boundary_leaves_what_both_allow() -> None:
    grants = allowed([("role", read_document({"Statement": allow("s3:*", "ec2:Run*")}))], FEW)
    boundary = allowed([("boundary", read_document({"Statement": [allow("*"), deny("s3:*Object")]}))], FEW)
    session = allowed([("session", read_document({"Statement": allow("s3:*")}))], FEW)

    assert set(limited(grants, [])) == set(grants)
    assert set(limited(grants, [boundary, session])) == {"s3:GetBucketTagging", "s3:ListAllMyBuckets"}


# --- resources ---


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("*", "arn:aws:s3:::logs/*"),
        ("arn:aws:s3:::*", "arn:aws:s3:::logs/*"),
        ("arn:*:s3:::logs/*", "arn:aws-cn:s3:::logs/2026/*"),
        ("arn:*:s3:::logs/*", "arn:*:s3:::logs/*"),
        ("arn:aws:s3:::logs/?", "arn:aws:s3:::logs/a"),
        ("arn:aws:s3:::logs/*", "arn:aws:s3:::logs/a?"),
        ("arn:aws:logs:*:*:*", "arn:aws:logs:eu-west-1:111122223333:log-group:a:*"),
        ("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::${aws:username}/*"),
    ],
)
def test_a_pattern_covers_what_it_matches_for_certain(wide: str, narrow: str) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("arn:aws:s3:::*", "*"),
        ("arn:aws:s3:::logs/*", "arn:aws:s3:::logs*"),
        ("arn:aws:s3:::logs/*", "arn:*:s3:::logs/*"),
        ("arn:aws:s3:::logs/??", "arn:aws:s3:::logs/*"),
        ("arn:aws:s3:::logs/?", "arn:aws:s3:::logs/*"),
        ("arn:aws:s3:::Logs/*", "arn:aws:s3:::logs/*"),
        ("arn:aws:logs:*:log-group", "arn:aws:logs:eu-west-1:111122223333:log-group"),
        ("arn:aws:s3:::[l]ogs", "arn:aws:s3:::logs"),
        ("arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::alice/*"),
        ("arn:aws:s3:::logs/*", "arn:aws:s3:::${aws:PrincipalTag/bucket}/*"),
        ("arn:aws:s3:::logs/????", "arn:aws:s3:::logs/${d}"),
        ("arn:aws:s3:::logs/${*}", "arn:aws:s3:::logs/${d}"),
        ("arn:aws:s3:::*${aws:username}*", "arn:aws:s3:::logs/*"),
    ],
)
def test_a_pattern_does_not_cover_what_it_may_miss(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow)


SEGMENTS = st.text(alphabet="ab*?", max_size=4)
PATTERNS = st.builds(":".join, st.lists(SEGMENTS, min_size=1, max_size=3))


@given(PATTERNS, PATTERNS, st.text(alphabet="ab", max_size=2), st.text(alphabet="ab", min_size=1, max_size=1))
def test_what_the_narrow_pattern_matches_the_covering_one_matches_too(wide: str, narrow: str, many: str, one: str) -> None:
    arn = narrow.replace("*", many).replace("?", one)
    as_expression = re.escape(wide).replace(r"\*", ".*").replace(r"\?", ".")

    assert not covers(wide, narrow) or re.fullmatch(as_expression, arn)


# --- properties ---

ACTION_PATTERNS = st.sampled_from(["*", "s3:*", "s3:Get*", "S3:getobject", "ec2:*Instances", "ec2:Describe????", "sqs:*"])
RESOURCES = st.sampled_from(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/b*", "arn:aws:s3:::a/b", "arn:*:s3:::*"])


def statements(effect: str) -> st.SearchStrategy[Statement]:
    def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
        return st.lists(values, min_size=1, max_size=3)

    whole = {"Effect": st.just(effect)}
    return st.one_of(
        [
            st.fixed_dictionaries(
                whole | {action: lists(ACTION_PATTERNS), resource: lists(RESOURCES)},
                optional={"Condition": st.sampled_from([{}, {"Bool": {"aws:SecureTransport": "true"}}])},
            )
            for action in ("Action", "NotAction")
            for resource in ("Resource", "NotResource")
        ]
    )


ROLES = st.lists(statements("Allow") | statements("Deny"), max_size=5)


def reach(role: list[Statement]) -> set[tuple[str, str]]:
    """Every action with every resource pattern it is still allowed on."""
    grants = allowed([("policy", read_document({"Statement": role}))], FEW)
    return {(action, resource) for action in grants for grant in grants[action] for resource in grant.resources}


@given(ROLES, statements("Deny"))
def test_one_more_deny_never_allows_more(role: list[Statement], more: Statement) -> None:
    assert reach([*role, more]) <= reach(role)


@given(ROLES, statements("Allow"))
def test_one_more_allow_never_allows_less(role: list[Statement], more: Statement) -> None:
    assert reach([*role, more]) >= reach(role)


@given(ROLES)
def test_the_order_of_statements_does_not_matter(role: list[Statement]) -> None:
    assert reach(role) == reach(role[::-1])


# --- on AWS's own policies ---


@cache
def every_known_action() -> ActionIndex:
    return action_index(facts.all_actions())


def action_patterns(documents: Iterable[Any]) -> set[str]:
    read = [read_document(document) for document in documents]
    return {pattern for document in read for s in document.statements for pattern in (s.actions or s.not_actions or ())}


def test_every_managed_policy_of_aws_can_be_read() -> None:
    assert len(managed_policies()) > 1_500
    assert all(read_document(document).statements for document in managed_policies().values())


def test_wildcards_expand_as_in_policy_sentry() -> None:
    """Every wildcard that AWS's own policies use, over policy_sentry's table of actions.

    In lower case, for policy_sentry takes a prefix's case for meant (``Discovery:*``), and IAM does not.
    """
    index = action_index(get_all_actions())
    wildcards = {pattern.lower() for pattern in action_patterns(managed_policies().values()) if "*" in pattern}
    assert len(wildcards) > 1_000

    differing = {}
    for pattern in wildcards:
        theirs = set(policy_sentry_expand(pattern)) - {pattern}  # what matches nothing comes back as it is
        if (ours := set(expand(pattern, index))) != theirs:
            differing[pattern] = ours ^ theirs

    assert not differing


def test_read_only_access_is_evaluated_in_far_less_than_a_second() -> None:
    document = read_document(managed_policies()["ReadOnlyAccess"])
    index = every_known_action()

    started = time.process_time()
    grants = allowed([("ReadOnlyAccess", document)], index)

    assert time.process_time() - started < 0.5
    assert len(grants) > 3_000


def test_a_pattern_made_to_be_slow_is_not() -> None:
    index = action_index(["s3:" + "a" * 60])

    started = time.process_time()
    assert not expand("s3:" + "*a" * 50 + "*b", index)

    assert time.process_time() - started < 0.5
