import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data

from collector.iam.verdict import (
    Finding,
    Generated,
    RolePolicy,
    Verdict,
    action_table,
    billing_allowances,
    granted_actions,
    judge,
    shipped_table,
)

Statement = dict[str, Any]

BILLING_KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d"
BILLING = billing_allowances("acme-billing", "exports/", BILLING_KEY)
SELF_INSPECTION = [
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
]


def allow(*actions: str, resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions: str, resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Deny", "Action": list(actions), "Resource": resource, **more}


def inline(*statements: Statement, name: str = "inventory") -> RolePolicy:
    return RolePolicy(name, {"Version": "2012-10-17", "Statement": list(statements)})


def judged(*statements: Statement, **more: Any) -> Verdict:
    return judge([inline(*statements)], shipped_table(), **more)


def rules(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


@cache
def managed_policies() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies


def copy_of(name: str) -> RolePolicy:
    """One of AWS's policies under a name of the customer's own."""
    return RolePolicy("Audit", managed_policies()[name]["Document"], "arn:aws:iam::111122223333:policy/team/Audit")


# --- AWS's own policies ---


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-f", "aws-eusc"])
@pytest.mark.parametrize("name", ["ReadOnlyAccess", "AdministratorAccess", "PowerUserAccess"])
def test_three_policies_halt_by_arn_in_every_partition_whatever_else_the_role_says(partition: str, name: str) -> None:
    arn = f"arn:{partition}:iam::aws:policy/{name}"
    nothing = inline(deny("s3:*"))

    verdict = judge([RolePolicy(name, {"Statement": allow("s3:*")}, arn), nothing], shipped_table(), boundary=nothing)

    assert verdict.halted
    assert [(finding.rule, finding.policy) for finding in verdict.findings] == [("forbidden-policy", arn)]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:policy/ReadOnlyAccess",
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        "arn:aws:iam::aws:policy/AdministratorAccess-Amplify",
    ],
)
def test_a_name_that_is_only_alike_is_judged_by_effect(arn: str) -> None:
    assert not judge([RolePolicy("alike", {"Statement": allow("ec2:DescribeVpcs")}, arn)], shipped_table()).findings


@pytest.mark.parametrize(
    ("name", "among"),
    [
        ("ReadOnlyAccess", "data-read"),
        ("AdministratorAccess", "write"),
        ("PowerUserAccess", "write"),
        ("SecurityAudit", "data-read"),
        ("ViewOnlyAccess", "data-read"),
    ],
)
def test_policies_that_read_data_halt_by_effect_as_renamed_and_as_inline_copies(name: str, among: str) -> None:
    for policy in (copy_of(name), RolePolicy("copy", json.dumps(managed_policies()[name]["Document"]))):
        verdict = judge([policy], shipped_table())

        [finding, *_] = [finding for finding in verdict.findings if finding.rule == among]
        assert verdict.halted
        assert finding.severity == "halt"
        assert finding.policy == policy.called
        assert 0 < len(finding.actions) <= 5 <= finding.count
        assert finding.fix


def test_every_managed_policy_of_aws_gets_a_verdict() -> None:
    verdicts = {name: judge([copy_of(name)], shipped_table()) for name in managed_policies()}

    assert "unreadable" not in {rule for verdict in verdicts.values() for rule in rules(verdict)}
    assert verdicts["AWSSupportAccess"].halted
    assert verdicts["AmazonEC2FullAccess"].halted
    assert not verdicts["AWSPriceListServiceFullAccess"].halted


# --- thirty role shapes and more ---

CLEAN: set[str] = set()

SHAPES: dict[str, tuple[list[Statement], set[str]]] = {
    "exact actions": ([allow("ec2:DescribeInstances", "s3:ListAllMyBuckets", "s3:GetBucketTagging")], CLEAN),
    "exact actions in odd capitals": ([allow("EC2:describeinstances", "S3:LISTALLMYBUCKETS")], CLEAN),
    "self-inspection": ([allow(*SELF_INSPECTION)], CLEAN),
    "no statement": ([], CLEAN),
    "classic wording without secrets": ([allow("ec2:Describe*", "rds:Describe*", "sns:List*")], CLEAN),
    "classic wording": ([allow("states:Describe*", "cognito-idp:List*")], {"classic-wildcard"}),
    "classic wording, odd capitals": ([allow("STATES:DESCRIBE*")], {"classic-wildcard"}),
    "classic wording with the Deny": ([allow("states:Describe*"), deny("states:DescribeExecution")], CLEAN),
    "classic wording, Deny with a condition": (
        [
            allow("states:Describe*"),
            deny("states:DescribeExecution", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        ],
        {"classic-wildcard"},
    ),
    "classic wording of a new service": ([allow("nextyear:Describe*", "nextyear:List*")], CLEAN),
    "a listed Describe by name": ([allow("states:DescribeExecution")], {"data-read"}),
    "a wildcard that only begins as the classic": ([allow("states:Describe*Execution")], {"data-read"}),
    "a narrower wildcard than the classic": ([allow("states:DescribeE*")], {"data-read"}),
    "the classic wording and the name": (
        [allow("states:Describe*"), allow("states:DescribeExecution")],
        {"classic-wildcard", "data-read"},
    ),
    "everything": ([allow("*")], {"data-read", "write"}),
    "a whole service": ([allow("ec2:*")], {"data-read", "write"}),
    "a whole service, odd capitals": ([allow("Ec2:*")], {"data-read", "write"}),
    "one write": ([allow("ec2:DescribeInstances", "ec2:StopInstances")], {"write"}),
    "one tag": ([allow("ec2:CreateTags")], {"write"}),
    "one permission": ([allow("iam:PassRole")], {"write"}),
    "another role": ([allow("sts:AssumeRole")], {"data-read"}),
    "NotAction over a few": (
        [{"Effect": "Allow", "NotAction": ["iam:*", "kms:*"], "Resource": "*"}],
        {"data-read", "write"},
    ),
    "NotAction in a Deny": (
        [allow("*"), {"Effect": "Deny", "NotAction": ["ec2:DescribeInstances", "ec2:DescribeVpcs"], "Resource": "*"}],
        CLEAN,
    ),
    "NotResource": ([{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::x/*"}], {"data-read"}),
    "NotResource in a Deny": (
        [allow("s3:GetObject"), {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::x/*"}],
        {"data-read"},
    ),
    "conditional Allow": (
        [allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})],
        {"data-read"},
    ),
    "conditional Deny": (
        [allow("s3:GetObject"), deny("*", Condition={"StringNotEquals": {"aws:PrincipalTag/team": "x"}})],
        {"data-read"},
    ),
    "Deny that covers": ([allow("s3:GetObject", "ec2:DescribeInstances"), deny("s3:Get*")], CLEAN),
    "Deny in odd capitals": ([allow("s3:GetObject"), deny("S3:GETOBJECT")], CLEAN),
    "Deny that covers the Allow's resources": (
        [allow("s3:GetObject", resource="arn:aws:s3:::x/a/*"), deny("s3:GetObject", resource="arn:aws:s3:::x/*")],
        CLEAN,
    ),
    "Deny on part of the resources": (
        [allow("s3:GetObject"), deny("s3:GetObject", resource="arn:aws:s3:::x/*")],
        {"data-read"},
    ),
    "wildcard in the middle": ([allow("s3:Get*ject")], {"data-read"}),
    "question marks": ([allow("s3:G??Object")], {"data-read"}),
    "wildcard at the front": ([allow("ssm:*ParametersByPath")], {"data-read"}),
    "wildcard in the service": ([allow("s*:GetObject")], {"data-read"}),
    "Get wildcard with data": ([allow("s3:Get*")], {"data-read", "get-wildcard"}),
    "Get wildcard without data": ([allow("sns:Get*")], {"get-wildcard"}),
    "rows": ([allow("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan")], {"data-read"}),
    "messages": ([allow("sqs:ReceiveMessage")], {"data-read"}),
    "stream records": ([allow("kinesis:GetRecords")], {"data-read"}),
    "log events": ([allow("logs:GetLogEvents", "logs:FilterLogEvents")], {"data-read"}),
    "secrets": ([allow("secretsmanager:GetSecretValue")], {"data-read"}),
    "parameters": ([allow("ssm:GetParameter")], {"data-read"}),
    "decryption": ([allow("kms:Decrypt")], {"data-read"}),
    "a password": ([allow("ec2:GetPasswordData")], {"data-read"}),
    "names of secrets, not secrets": (
        [allow("secretsmanager:ListSecrets", "kms:ListKeys", "sqs:GetQueueAttributes")],
        CLEAN,
    ),
    "an unknown action by name": ([allow("ec2:DescribeTeapots")], {"unknown-action"}),
    "an unknown action, denied": ([allow("ec2:DescribeTeapots"), deny("ec2:describe*")], CLEAN),
    "an unknown pattern": ([allow("ec2:Brew*")], {"unknown-action"}),
    "an unknown service": ([allow("nextyear:*")], {"unknown-service"}),
    "an unknown service's Gets": ([allow("nextyear:Get*")], {"unknown-service"}),
    "an action without a service": ([allow("DescribeInstances")], {"unknown-action"}),
    "billing files": ([allow("s3:GetObject", resource="arn:aws:s3:::acme-billing/exports/*")], CLEAN),
    "billing files in any partition": ([allow("s3:GetObject", resource="arn:*:s3:::acme-billing/exports/*")], CLEAN),
    "a part of the billing files": ([allow("s3:GetObject", resource="arn:aws:s3:::acme-billing/exports/2026*")], CLEAN),
    "more than the billing prefix": ([allow("s3:GetObject", resource="arn:aws:s3:::acme-billing/exp*")], {"data-read"}),
    "the whole billing bucket": ([allow("s3:GetObject", resource="arn:aws:s3:::acme-billing/*")], {"data-read"}),
    "buckets that begin alike": (
        [allow("s3:GetObject", resource="arn:aws:s3:::acme-billing*/exports/*")],
        {"data-read"},
    ),
    "another bucket": ([allow("s3:GetObject", resource="arn:aws:s3:::acme-data/exports/*")], {"data-read"}),
    "billing files and another bucket": (
        [allow("s3:GetObject", resource=["arn:aws:s3:::acme-billing/exports/*", "arn:aws:s3:::acme-data/*"])],
        {"data-read"},
    ),
    "billing files, and all objects elsewhere": (
        [allow("s3:GetObject", resource="arn:aws:s3:::acme-billing/exports/*"), allow("s3:GetObject")],
        {"data-read"},
    ),
    "billing files, written": ([allow("s3:PutObject", resource="arn:aws:s3:::acme-billing/exports/*")], {"write"}),
    "billing files by a Get wildcard": (
        [allow("s3:Get*", resource="arn:aws:s3:::acme-billing/exports/*")],
        {"data-read", "get-wildcard"},
    ),
    "billing key": ([allow("kms:Decrypt", resource=BILLING_KEY)], CLEAN),
    "all keys of the billing region": (
        [allow("kms:Decrypt", resource=BILLING_KEY.replace("0a1b2c3d", "*"))],
        {"data-read"},
    ),
}


def test_there_are_far_more_than_thirty_role_shapes() -> None:
    assert len(SHAPES) > 60


@pytest.mark.parametrize("shape", SHAPES)
def test_each_role_shape_gets_its_verdict(shape: str) -> None:
    statements, broken = SHAPES[shape]

    verdict = judged(*statements, allowances=BILLING)

    assert rules(verdict) == broken
    assert verdict.halted == bool(broken & {"data-read", "write", "unknown-service", "get-wildcard"})


def test_the_policy_language_of_2008_makes_no_difference() -> None:
    old = RolePolicy("inventory", {"Version": "2008-10-17", "Statement": allow("s3:GetObject")})

    assert rules(judge([old], shipped_table())) == {"data-read"}


def test_a_read_only_policy_as_it_was_years_ago_halts() -> None:
    """The wording of 2015, short and full of wildcards, lives on in copies."""
    old = judged(allow("autoscaling:Describe*", "ec2:Describe*", "s3:Get*", "s3:List*", "sqs:ReceiveMessage", "rds:List*"))

    assert old.halted
    assert {"s3:GetObject", "sqs:ReceiveMessage"} & {action for finding in old.findings for action in finding.actions}


# --- boundaries, session policies, several policies ---


def test_a_boundary_that_narrows_lifts_the_halt() -> None:
    assert not judged(allow("*"), boundary=inline(allow("ec2:DescribeInstances"))).findings


def test_a_boundary_that_denies_lifts_the_halt() -> None:
    boundary = inline(allow("*"), deny("s3:GetObject"))

    assert not judged(allow("s3:GetObject", "s3:ListAllMyBuckets"), boundary=boundary).findings


@pytest.mark.parametrize(
    "statements",
    [
        [allow("*")],
        [allow("s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})],
        [allow("s3:GetObject", resource="arn:aws:s3:::other/*")],
        [allow("s3:*"), deny("s3:GetObject", resource="arn:aws:s3:::other/*")],
    ],
    ids=["everything", "conditional", "other resources", "a Deny on part"],
)
def test_a_boundary_that_does_not_narrow_for_certain_leaves_the_halt(statements: list[Statement]) -> None:
    assert rules(judged(allow("s3:GetObject"), boundary=inline(*statements))) == {"data-read"}


def test_a_boundary_grants_nothing_by_itself() -> None:
    assert not judged(allow("ec2:DescribeInstances"), boundary=inline(allow("*"))).findings


def test_a_boundary_that_holds_objects_to_the_billing_prefix_is_enough() -> None:
    boundary = inline(allow("s3:GetObject", resource="arn:aws:s3:::acme-billing/exports/*"))

    assert not judged(allow("s3:GetObject"), boundary=boundary, allowances=BILLING).findings
    assert rules(judged(allow("s3:GetObject"), boundary=boundary)) == {"data-read"}


def test_an_unknown_action_that_only_the_boundary_names_is_seen_through_a_wildcard() -> None:
    verdict = judged(allow("nextyear:*"), boundary=inline(allow("nextyear:GetSecret")))

    assert rules(verdict) == {"unknown-action"}


def test_session_policies_narrow_together() -> None:
    session = [inline(allow("ec2:Describe*")), inline(allow("sns:List*"))]

    verdict = judged(allow("*"), session_policies=session, needed={"ec2": ["ec2:DescribeVpcs"], "sns": ["sns:ListTopics"]})

    assert not verdict.missing
    assert "data-read" not in rules(verdict)


def test_a_deny_in_one_policy_mends_another() -> None:
    verdict = judge([inline(allow("states:Describe*")), inline(deny("states:DescribeExecution"), name="deny")], shipped_table())

    assert not verdict.findings


def test_what_two_policies_grant_is_found_in_both() -> None:
    policies = [inline(allow("s3:GetObject", Sid="Read")), copy_of("AmazonS3ReadOnlyAccess")]

    found = {(finding.policy, finding.statement) for finding in judge(policies, shipped_table()).findings}

    assert ("inline policy inventory", "Read") in found
    assert ("arn:aws:iam::111122223333:policy/team/Audit", "statement 1") in found


@pytest.mark.parametrize("document", ["", "{", {"Statement": {"Effect": "Allow"}}])
def test_a_policy_that_cannot_be_read_halts(document: str | dict[str, Any]) -> None:
    unreadable = RolePolicy("odd", document)

    assert rules(judge([unreadable], shipped_table())) == {"unreadable"}
    assert judge([inline(allow("ec2:DescribeInstances"))], shipped_table(), boundary=unreadable).halted


# --- messages ---


def test_a_finding_reads_as_policy_statement_reason_and_fix() -> None:
    [finding] = judged(allow("ec2:StopInstances", "ec2:StartInstances", Sid="Power")).findings

    assert str(finding) == (
        "inline policy inventory, Power, grants writes (2: ec2:StartInstances, ec2:StopInstances). "
        "Take the actions out of the statement, or deny them on all resources without a condition."
    )


def test_a_policy_of_aws_is_to_be_detached_since_nobody_can_edit_it() -> None:
    arn = "arn:aws:iam::aws:policy/SecurityAudit"
    verdict = judge([RolePolicy("SecurityAudit", managed_policies()["SecurityAudit"]["Document"], arn)], shipped_table())

    assert all(finding.fix.startswith("Detach it") for finding in verdict.findings)


def test_halts_come_first() -> None:
    verdict = judged(allow("ec2:DescribeTeapots"), allow("states:Describe*"), allow("s3:GetObject"))

    severities = [finding.severity for finding in verdict.findings]
    assert severities == ["halt", "warning", "warning"]


def test_one_finding_holds_a_few_actions_and_the_count_of_all() -> None:
    [finding] = judged(allow("ec2:Create*")).findings

    assert len(finding.actions) == 5
    assert finding.count > 50


def test_own_credentials_get_the_same_findings_as_warnings() -> None:
    verdict = judged(allow("*"))

    softened = verdict.as_warnings()

    assert verdict.halted
    assert not softened.halted
    assert rules(softened) == rules(verdict)


# --- missing, strict ---


def test_missing_actions_are_listed_for_each_spec() -> None:
    needed = {
        "ec2.instance": ["ec2:DescribeInstances"],
        "s3.bucket": ["s3:ListAllMyBuckets", "s3:GetBucketTagging", "s3:GetEncryptionConfiguration"],
    }

    verdict = judged(allow("ec2:Describe*", "s3:List*"), deny("s3:ListAllMyBuckets"), needed=needed)

    assert [(missing.spec, missing.actions) for missing in verdict.missing] == [
        ("s3.bucket", ("s3:GetBucketTagging", "s3:GetEncryptionConfiguration", "s3:ListAllMyBuckets"))
    ]
    assert not verdict.halted


def test_strict_halts_at_what_is_else_a_warning() -> None:
    assert not judged(allow("states:Describe*")).halted
    assert judged(allow("states:Describe*"), strict=True).halted


def test_strict_wants_exactly_the_generated_actions() -> None:
    ours = [inline(allow("ec2:Describe*", *SELF_INSPECTION), deny("ec2:DescribeInstanceAttribute"))]
    generated = granted_actions(ours, shipped_table())

    def strictly(*policies: RolePolicy) -> list[Finding]:
        return list(
            judge(policies, shipped_table(), generated=Generated(generated - {"ec2:DescribeRegions"}, generated), strict=True).findings
        )

    assert "ec2:DescribeVpcs" in generated
    assert "ec2:DescribeInstanceAttribute" not in generated
    assert not strictly(*ours)
    [more] = strictly(*ours, inline(allow("sns:ListTopics", Sid="More"), name="extra"))
    assert (more.rule, more.policy, more.statement, more.actions) == (
        "not-generated",
        "inline policy extra",
        "More",
        ("sns:ListTopics",),
    )
    assert not strictly(*ours, inline(deny("ec2:DescribeRegions"))), "a narrower choice is generated too"
    [less] = strictly(*ours, inline(deny("ec2:DescribeVpcs")))
    assert (less.rule, less.severity, less.actions) == ("incomplete", "halt", ("ec2:DescribeVpcs",))
    assert not judge([inline(allow("sns:ListTopics"))], shipped_table(), generated=Generated(generated, generated)).findings


# --- the table, the billing exception ---


def test_a_deny_list_in_other_capitals_or_beyond_the_known_actions_still_counts() -> None:
    table = action_table({"s3:GetObject": "Read"}, ["S3:GETOBJECT", "s3:GetNewThing"])

    assert rules(judge([inline(allow("s3:GetObject"))], table)) == {"data-read"}
    assert rules(judge([inline(allow("s3:GetN*"))], table)) == {"data-read"}


@pytest.mark.parametrize(
    ("bucket", "prefix", "key"),
    [
        ("", "p/", None),
        ("b", "", None),
        ("b*", "p/", None),
        ("b", "p?", None),
        ("b", "${aws:username}", None),
        ("b", "p", "*"),
    ],
)
def test_a_billing_place_must_be_named_in_full(bucket: str, prefix: str, key: str | None) -> None:
    with pytest.raises(ValueError, match="named in full"):
        billing_allowances(bucket, prefix, key)


# --- properties ---

PATTERNS = st.sampled_from(
    [
        "*",
        "s3:Get*",
        "s3:GetObject",
        "states:Describe*",
        "states:DescribeExecution",
        "ec2:StopInstances",
        "x:*",
        "ec2:D?",
    ]
)
STATEMENTS = st.builds(lambda patterns: allow(*patterns), st.lists(PATTERNS, min_size=1, max_size=3))
DENIES = st.builds(lambda patterns: deny(*patterns), st.lists(PATTERNS, min_size=1, max_size=3))
SMALL = action_table(
    {
        "ec2:DescribeVpcs": "List",
        "ec2:StopInstances": "Write",
        "s3:GetBucketTagging": "Read",
        "s3:GetObject": "Read",
        "states:DescribeExecution": "Read",
    },
    ["s3:GetObject", "states:DescribeExecution"],
)


@given(st.lists(STATEMENTS | DENIES, max_size=5), DENIES)
def test_one_more_deny_never_halts_a_role(role: list[Statement], more: Statement) -> None:
    assert judge([inline(*role)], SMALL).halted or not judge([inline(*role, more)], SMALL).halted


@given(st.lists(STATEMENTS | DENIES, max_size=5), STATEMENTS)
def test_one_more_allow_never_frees_a_role(role: list[Statement], more: Statement) -> None:
    assert judge([inline(*role, more)], SMALL).halted or not judge([inline(*role)], SMALL).halted
