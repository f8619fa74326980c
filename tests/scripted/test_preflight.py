"""The preflight: which roles open, which may be read with, and what is told of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.aws.accounts import Member
from collector.aws.api_error import ApiError
from collector.aws.identity import Role, RoleIdentities
from collector.billing.place import Place
from collector.cli.preflight import exit_status
from collector.connect import Entrance, _accounts, _session_limit
from collector.errors import SettingsError
from collector.exit import Exit
from collector.iam.form import Kind
from collector.iam.permissions import Permission, permissions
from collector.iam.policy import Form, policies
from collector.iam.role import BILLING_READS, filled, role
from collector.iam.session_policy import CHARACTERS
from collector.preflight.accounts import gate, onboarded, rules_of
from collector.preflight.report import Report
from collector.preflight.trials import NOTHING_ALLOWED, PAUSE_SECONDS
from collector.record import Gap
from collector.settings import Where
from collector.spec.reader import read_specs
from collector.spec.select import families
from tests.scripted.scripted import ScriptedGateway, denied, failing, family

ACCOUNT, OURS = "111122223333", "999988887777"
MEMBER = Member(ACCOUNT, "production", "ACTIVE")
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/inventory/Inventory"
EXTERNAL_ID = "agreed-on"
AWS_POLICY = "arn:aws:iam::aws:policy/"
OWN_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/"
FAMILIES = [family("sns", "topic"), family("s3", "bucket")]
SESSION = {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2999-01-01T00:00:00Z"}

Document = dict[str, Any]


def allow(*actions: str, resource: str = "*", **more: Any) -> Document:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Reads", "Effect": "Allow", "Action": list(actions), "Resource": resource, **more}],
    }


def trusting(principal: Any = None, condition: Any = None) -> Document:
    strict = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID, "aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/collector"}}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OURS}:root"} if principal is None else principal,
        "Action": "sts:AssumeRole",
        "Condition": strict if condition is None else condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


NEEDED = allow(*sorted({row.action for row in permissions(FAMILIES)}))
"""Everything that the families take."""


class Aws(ScriptedGateway):
    """An account with one role, as STS and IAM answer about it."""

    def __init__(
        self,
        *,
        attached: Mapping[str, Document] | None = None,
        inline: Mapping[str, Document] | None = None,
        boundary: tuple[str, Document] | None = None,
        trust: Document | None = None,
        caller: str = f"arn:aws:sts::{ACCOUNT}:assumed-role/Inventory/session",
        asks_for: str | None = EXTERNAL_ID,
        **instead: Any,
    ) -> None:
        attached, inline = attached or {}, inline or {}
        managed = {**attached, **({boundary[0]: boundary[1]} if boundary else {})}
        role = {"AssumeRolePolicyDocument": trust or trusting()}
        if boundary:
            role["PermissionsBoundary"] = {"PermissionsBoundaryArn": boundary[0]}

        def assumed(params: Mapping[str, Any]) -> dict[str, Any] | ApiError:
            return {"Credentials": SESSION} if asks_for in (None, params.get("ExternalId")) else denied()

        answers: dict[str, Any] = {
            "AssumeRole": assumed,
            "GetCallerIdentity": {"Account": caller.split(":")[4], "Arn": caller},
            "GetRole": {"Role": role},
            "ListAttachedRolePolicies": {"AttachedPolicies": [{"PolicyArn": arn, "PolicyName": arn.split("/")[-1]} for arn in attached]},
            "ListRolePolicies": {"PolicyNames": list(inline)},
            "GetRolePolicy": lambda params: {"PolicyDocument": inline[params["PolicyName"]]},
            "GetPolicy": lambda params: {"Policy": {"DefaultVersionId": "v3"}},
            "GetPolicyVersion": lambda params: {"PolicyVersion": {"Document": managed[params["PolicyArn"]]}},
        }
        super().__init__(**{**answers, **instead})


class Slept:
    """Takes no time, and remembers how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def settings(**given: Any) -> Where:
    return Where(**{"role": "inventory/Inventory", "account": (ACCOUNT,), "external_id": EXTERNAL_ID, **given})


def entrance(gateway: ScriptedGateway, role: Role | None) -> Entrance:
    identities = RoleIdentities(None, region="eu-west-1", partition="aws", session_name="session")  # type: ignore[arg-type]
    identities.gateway = gateway  # type: ignore[assignment]
    identities.roles = {ACCOUNT: role} if role else {}
    return Entrance(gateway, identities, "aws", (MEMBER,), (), "eu-west-1")  # type: ignore[arg-type]


async def admitted(gateway: ScriptedGateway, *, own: bool = False, **given: Any) -> Gap | None:
    """What a run's gate says of the account; None when it may be read."""
    asked = settings(**given)
    return await gate(asked, FAMILIES)(entrance(gateway, None if own else Role(ROLE_ARN, asked.external_id)), MEMBER)


async def onboarding(gateway: ScriptedGateway, *, own: bool = False, slept: Slept | None = None, **given: Any) -> Report:
    asked = settings(**given)
    rules = replace(rules_of(asked, FAMILIES), onboarding=True)
    there = entrance(gateway, None if own else Role(ROLE_ARN, asked.external_id))
    return await onboarded(asked, there, MEMBER, rules, FAMILIES, slept or Slept())


def rules(report: Report) -> list[tuple[str, str]]:
    return [(each.severity, each.rule) for each in report.objections]


# --- before a run ---


async def test_an_account_whose_role_has_what_it_takes_is_read() -> None:
    aws = Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED})

    assert await admitted(aws) is None

    assert "AssumeRole" not in aws.operations(), "no ExternalId is tried before a run"
    assert {target.region for target in aws.targets("GetRole")} == {"us-east-1"}
    assert aws.params("GetRole") == [{"RoleName": "Inventory"}]


async def test_the_live_version_of_each_policy_is_what_counts() -> None:
    aws = Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED})

    await admitted(aws)

    assert aws.params("GetPolicyVersion") == [{"PolicyArn": f"{OWN_POLICY}Inventory-01", "VersionId": "v3"}]


async def test_a_role_with_readonlyaccess_halts_and_the_gap_names_it() -> None:
    gap = await admitted(Aws(attached={f"{AWS_POLICY}ReadOnlyAccess": allow("s3:Get*", "s3:List*"), f"{OWN_POLICY}Other": allow("sqs:*")}))

    assert gap is not None
    assert (gap.kind, gap.code, gap.action) == ("halted", "ReadOnlyAccess", "s3:GetDataAccess")


async def test_readonlyaccess_halts_by_its_name_where_it_cannot_be_looked_into() -> None:
    gap = await admitted(Aws(attached={f"{AWS_POLICY}ReadOnlyAccess": {}}, GetPolicy=denied()))

    assert gap is not None
    assert (gap.kind, gap.code) == ("halted", "ReadOnlyAccess")


@pytest.mark.parametrize(
    ("document", "code", "action"),
    [
        (allow("s3:GetObject"), "DataRead", "s3:GetObject"),
        (allow("sqs:DeleteQueue"), "Write", "sqs:DeleteQueue"),
        (allow("secretsmanager:Get*"), "DataRead", "secretsmanager:GetSecretValue"),
        ({"Statement": "?"}, "Unreadable", "sts:AssumeRole"),
    ],
)
async def test_what_an_inline_policy_grants_too_much_is_the_gap(document: Document, code: str, action: str) -> None:
    gap = await admitted(Aws(inline={"extra": document}))

    assert gap == Gap(action=action, code=code, kind="halted")


async def test_a_data_read_is_named_before_a_write() -> None:
    gap = await admitted(Aws(inline={"a": allow("sqs:DeleteQueue"), "b": allow("dynamodb:Scan")}))

    assert gap == Gap(action="dynamodb:Scan", code="DataRead", kind="halted")


async def test_a_boundary_takes_away_what_would_halt() -> None:
    wide = {"extra": allow("sns:*")}

    assert await admitted(Aws(inline=wide)) is not None
    assert await admitted(Aws(inline=wide, boundary=(f"{OWN_POLICY}Boundary", NEEDED))) is None


async def test_every_finding_is_one_event_that_names_policy_statement_and_fix() -> None:
    with capture_logs() as events:
        await admitted(Aws(inline={"extra": allow("s3:GetObject", "sqs:DeleteQueue")}))

    assert [(each["event"], each["finding"], each["policy"], each["statement"]) for each in events] == [
        ("account.halted", "data-read", "inline policy extra", "Reads"),
        ("account.halted", "write", "inline policy extra", "Reads"),
    ]
    assert all("Take the actions out of the statement" in each["says"] for each in events)
    assert EXTERNAL_ID not in str(events)


async def test_a_repaired_role_is_read_at_the_next_run() -> None:
    assert await admitted(Aws(inline={"extra": allow("s3:GetObject")})) is not None
    assert await admitted(Aws(inline={})) is None


@pytest.mark.parametrize(
    "operation", ["GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy", "GetPolicy", "GetPolicyVersion"]
)
async def test_a_role_that_may_not_look_itself_up_halts_unless_that_is_allowed(operation: str) -> None:
    def aws() -> Aws:
        return Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, inline={"more": NEEDED}, **{operation: denied()})

    assert await admitted(aws()) == Gap(action=f"iam:{operation}", code="RoleNotReadable", kind="halted")
    with capture_logs() as events:
        assert await admitted(aws(), allow_unchecked=True) is None
    assert [(each["event"], each["finding"]) for each in events] == [("account.doubted", "RoleNotReadable")]


async def test_all_that_cannot_be_seen_is_one_finding() -> None:
    report = await onboarding(Aws(GetRole=denied(), ListAttachedRolePolicies=denied(), ListRolePolicies=denied()))

    (finding,) = report.objections
    assert finding.actions == ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
    assert finding.says.startswith(
        "the role Inventory may not look up its attached policies (iam:ListAttachedRolePolicies: AccessDenied), its inline"
    )
    assert report.lacks == (), "what is missing cannot be known"


async def test_what_can_be_seen_still_halts_a_role_of_which_not_all_can() -> None:
    gap = await admitted(Aws(inline={"extra": allow("s3:GetObject")}, GetRole=denied()), allow_unchecked=True)

    assert gap == Gap(action="s3:GetObject", code="DataRead", kind="halted")


async def test_an_account_that_iam_does_not_answer_for_is_not_read() -> None:
    unreachable = ApiError("unreachable", "ConnectTimeout", passing=True)

    assert await admitted(Aws(GetRole=unreachable)) == Gap(action="iam:GetRole", code="ConnectTimeout", kind="unreachable")


async def test_an_account_that_cannot_be_entered_keeps_its_reason() -> None:
    refused = denied()
    refused.asked = "sts:AssumeRole"

    gap = await admitted(Aws(GetCallerIdentity=refused))

    assert gap == Gap(action="sts:AssumeRole", code="AccessDenied", kind="denied", reason="iam")


async def test_credentials_of_another_account_halt() -> None:
    gap = await admitted(Aws(caller="arn:aws:sts::444455556666:assumed-role/Inventory/session"))

    assert gap == Gap(action="sts:GetCallerIdentity", code="WrongAccount", kind="halted")


async def test_the_classic_wording_warns_and_strict_halts_it() -> None:
    classic = {"classic": allow("cognito-idp:Describe*", "cognito-idp:List*")}

    assert await admitted(Aws(inline=classic)) is None
    gap = await admitted(Aws(inline=classic), strict=True)

    assert gap is not None
    assert gap.kind == "halted"


async def test_strict_wants_exactly_the_generated_policies() -> None:
    inspection = [
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
    ]
    written = allow(*NEEDED["Statement"][0]["Action"], *inspection)

    assert await admitted(Aws(inline={"all": written}), strict=True) is None
    less = await admitted(Aws(inline={"all": allow(*inspection)}), strict=True)
    more = await admitted(Aws(inline={"all": written, "more": allow("sns:GetSMSSandboxAccountStatus")}), strict=True)

    assert (less and less.code, more and more.code) == ("Incomplete", "NotGenerated")


async def test_ones_own_role_only_warns_and_strict_halts_it() -> None:
    def administrator() -> Aws:
        return Aws(attached={f"{AWS_POLICY}AdministratorAccess": allow("*")})

    with capture_logs() as events:
        assert await admitted(administrator(), own=True) is None
    assert {each["event"] for each in events} == {"account.doubted"}
    assert {each["finding"] for each in events} >= {"forbidden-policy", "write", "data-read"}

    gap = await admitted(administrator(), own=True, strict=True)
    assert gap is not None
    assert gap.code == "AdministratorAccess"


@pytest.mark.parametrize("caller", [f"arn:aws:iam::{ACCOUNT}:user/someone", f"arn:aws:iam::{ACCOUNT}:root"])
async def test_of_ones_own_user_it_is_said_that_it_was_not_checked(caller: str) -> None:
    aws = Aws(caller=caller)

    with capture_logs() as events:
        assert await admitted(aws, own=True) is None
    assert [each["finding"] for each in events] == ["not-checked"]
    assert aws.operations() == ["GetCallerIdentity"]

    gap = await admitted(Aws(caller=caller), own=True, strict=True)
    assert gap is not None
    assert gap.code == "NotChecked"


async def test_keyspaces_system_tables_halt_no_run_whatever_it_reads() -> None:
    narrow = allow("cassandra:Select", resource="arn:aws:cassandra:*:*:/keyspace/system*")

    assert await admitted(Aws(inline={"tables": narrow})) is None
    assert await admitted(Aws(inline={"tables": allow("cassandra:Select")})) is not None


@cache
def every_row() -> tuple[Permission, ...]:
    return permissions(families(read_specs()))


def generated(kind: Kind, form: Form, services: Sequence[str] = (), **more: Document) -> Aws:
    """An account with the role that the template for *services*, or for all, makes, and with *more* inline policies."""
    every = every_row()
    rows = permissions(families(read_specs(), service=services)) if services else every
    made = role(kind, policies(rows, form, every_row=every, denied_elsewhere=BILLING_READS if kind is Kind.BILLING else ()))
    values = {
        "TrustedPrincipalArn": f"arn:aws:iam::{OURS}:role/collector",
        "ExternalId": EXTERNAL_ID,
        "BillingBucket": "costs",
        "BillingPrefix": "exports/",
    }
    live = filled(made, values, partition="aws", account_id=ACCOUNT)
    return Aws(
        attached={f"{OWN_POLICY}{name}": document for name, document in live.managed.items()},
        inline={**{each.name: each.document for each in live.inline}, **more},
        trust=live.trust,
    )


async def test_the_generated_billing_role_is_read_where_its_files_are_named_and_halted_elsewhere() -> None:
    def aws() -> Aws:
        return generated(Kind.BILLING, Form.EXACT, ("sns", "s3"))

    assert await admitted(aws(), billing="s3://costs/exports/") is None
    assert (await onboarding(aws(), billing="s3://costs/exports/")).verdict == "ok"
    assert await admitted(aws()) == Gap(action="s3:GetObject", code="DataRead", kind="halted")
    assert await admitted(aws(), billing="s3://costs/other/") is not None


@pytest.mark.parametrize(
    ("kind", "form", "services"),
    [
        pytest.param(Kind.SERVICE, Form.EXACT, (), id="exact, for every service"),
        pytest.param(Kind.SERVICE, Form.VERBS, ("sns", "s3"), id="verbs, for what is read"),
        pytest.param(Kind.BILLING, Form.VERBS, (), id="billing, for every service"),
    ],
)
async def test_strict_takes_every_generated_role_and_nothing_beside_it(kind: Kind, form: Form, services: Sequence[str]) -> None:
    """A role for every service is none too wide for a run that reads two of them."""
    given: dict[str, Any] = {"strict": True, **({"billing": "s3://costs/exports/"} if kind is Kind.BILLING else {})}

    assert await admitted(generated(kind, form, services), **given) is None

    extra = await admitted(generated(kind, form, services, extra=allow("sns:GetSMSSandboxAccountStatus")), **given)
    assert extra == Gap(action="sns:GetSMSSandboxAccountStatus", code="NotGenerated", kind="halted")


# --- at onboarding ---


async def test_a_sound_role_is_ok() -> None:
    report = await onboarding(Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}))

    assert (report.verdict, report.objections, report.lacks) == ("ok", (), ())
    assert exit_status([report]) is Exit.COMPLETE


async def test_none_and_a_wrong_external_id_are_tried_three_times_each() -> None:
    aws, slept = Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}), Slept()

    await onboarding(aws, slept=slept)

    tried = [params for params in aws.params("AssumeRole") if params.get("ExternalId") != EXTERNAL_ID]
    assert [("ExternalId" in params) for params in tried] == [False, True] * 3
    assert len({params.get("ExternalId") for params in tried}) == 4, "a wrong one is made up anew each time"
    assert {params["Policy"] for params in tried} == {NOTHING_ALLOWED}
    assert slept.seconds == [PAUSE_SECONDS] * 2


async def test_a_role_that_opens_only_at_the_third_try_is_ok() -> None:
    answers = [denied(), denied(), {"Credentials": SESSION}, *[denied()] * 6]
    slept = Slept()

    report = await onboarding(Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, AssumeRole=answers), slept=slept)

    assert report.verdict == "ok"
    assert slept.seconds == [PAUSE_SECONDS] * 4


async def test_a_role_that_opens_to_everybody_once_in_three_halts() -> None:
    answers = [{"Credentials": SESSION}, denied(), denied(), {"Credentials": SESSION}, denied(), denied()]

    report = await onboarding(Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, AssumeRole=[*answers, denied()]))

    assert rules(report) == [("halt", "opens-without-external-id")]
    assert exit_status([report]) is Exit.HALTED


async def test_a_role_that_asks_for_no_external_id_halts() -> None:
    report = await onboarding(Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, asks_for=None))

    assert rules(report) == [("halt", "opens-without-external-id"), ("halt", "opens-with-wrong-external-id")]


async def test_a_trial_without_an_answer_halts() -> None:
    answers = [{"Credentials": SESSION}, *[failing("InternalFailure")] * 6]

    report = await onboarding(Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, AssumeRole=answers))

    assert {each.rule for each in report.objections} == {"trial-failed"}
    assert report.verdict == "halted"


async def test_a_role_that_does_not_open_is_halted_and_nothing_is_asked_of_it() -> None:
    aws = Aws(asks_for="another")

    report = await onboarding(aws)

    assert (report.verdict, rules(report)) == ("halted", [("halt", "not-assumable")])
    assert set(aws.operations()) == {"AssumeRole"}
    assert len(aws.operations()) == 3


async def test_without_an_external_id_of_ours_the_report_says_so() -> None:
    aws = Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, asks_for=None, trust=trusting(condition={}))

    report = await onboarding(aws, external_id=None)

    assert rules(report) == [("warning", "no-external-id"), ("warning", "trust-whole-account")]
    assert len(aws.params("AssumeRole")) == 1
    assert (await onboarding(Aws(asks_for=None), external_id=None, strict=True)).verdict == "halted"


EXTERNAL = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
ARN = {"aws:PrincipalArn": f"arn:aws:iam::{OURS}:role/collector"}


@pytest.mark.parametrize(
    ("trust", "found"),
    [
        (trusting(), []),
        (trusting({"AWS": f"arn:aws:iam::{OURS}:role/collector"}, EXTERNAL), []),
        (trusting({"AWS": OURS}, EXTERNAL), [("warning", "trust-whole-account")]),
        (trusting("*", EXTERNAL), [("halt", "trust-anyone")]),
        (trusting({"AWS": "*"}, {}), [("halt", "trust-anyone"), ("halt", "trust-without-external-id")]),
        (trusting("*", {"StringEquals": {**EXTERNAL["StringEquals"], **ARN}}), []),
        (trusting("*", {**EXTERNAL, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}), [("halt", "trust-anyone")]),
        (trusting(condition={"StringEquals": ARN}), [("halt", "trust-without-external-id")]),
        (trusting(condition={"StringLike": {"sts:ExternalId": "*"}, "StringEquals": ARN}), [("halt", "trust-without-external-id")]),
        (
            trusting(condition={"StringEqualsIfExists": EXTERNAL["StringEquals"], "StringEquals": ARN}),
            [("halt", "trust-without-external-id")],
        ),
        (
            trusting(condition={"ForAllValues:StringEquals": EXTERNAL["StringEquals"], "StringEquals": ARN}),
            [("halt", "trust-without-external-id")],
        ),
        (trusting({"Service": "ec2.amazonaws.com"}, {}), []),
        (trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:role/Admin"}, {}), []),
        (
            {"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": OURS}, "Action": "*", "Condition": EXTERNAL}]},
            [("halt", "trust-anyone")],
        ),
        ({"Statement": [{"Effect": "Allow", "Principal": {"AWS": OURS}, "Action": "sts:TagSession"}]}, []),
        ({"Statement": [{"Effect": "Perhaps"}]}, [("halt", "trust-unreadable")]),
    ],
)
async def test_the_trust_policy_is_read_as_a_stranger_would_use_it(trust: Document, found: list[tuple[str, str]]) -> None:
    aws = Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, trust=trust)

    assert rules(await onboarding(aws)) == found


async def test_before_a_run_the_trust_policy_only_warns() -> None:
    with capture_logs() as events:
        gap = await admitted(Aws(attached={f"{OWN_POLICY}Inventory-01": NEEDED}, trust=trusting("*", {})))

    assert gap is None
    assert {(each["event"], each["finding"]) for each in events} == {
        ("account.doubted", "trust-anyone"),
        ("account.doubted", "trust-without-external-id"),
    }


async def test_missing_actions_are_told_with_what_they_cost() -> None:
    without = [
        action
        for action in NEEDED["Statement"][0]["Action"]
        if action not in ("s3:GetBucketTagging", "sns:ListTopics", "ec2:DescribeRegions")
    ]

    report = await onboarding(Aws(attached={f"{OWN_POLICY}Inventory-01": allow(*without)}))

    assert report.verdict == "warning"
    assert exit_status([report]) is Exit.GAPS
    assert {lack.spec: (lack.actions, lack.costs) for lack in report.lacks} == {
        "regions": (("ec2:DescribeRegions",), ("every chosen region is tried, switched on or not",)),
        "s3.bucket": (("s3:GetBucketTagging",), ("no tags",)),
        "sns.topic": (("sns:ListTopics",), ("no AWS::SNS::Topic",)),
    }


async def test_the_report_as_json_names_everything() -> None:
    report = await onboarding(Aws(inline={"extra": allow("s3:GetObject", *NEEDED["Statement"][0]["Action"])}))

    told = report.as_json()

    assert (told["account_id"], told["name"], told["verdict"], told["missing"]) == (ACCOUNT, "production", "halted", [])
    assert told["gap"]["code"] == "DataRead"
    (finding,) = told["findings"]
    assert (finding["policy"], finding["statement"], finding["actions"], finding["count"]) == (
        "inline policy extra",
        "Reads",
        ("s3:GetObject",),
        1,
    )
    assert finding["says"].endswith(finding["fix"])


async def test_policies_are_judged_in_the_same_order_however_the_answers_come() -> None:
    names = ["b", "a", "c"]

    def aws(order: Sequence[str]) -> Aws:
        return Aws(inline={name: allow("s3:GetObject") for name in order})

    def policies_of(report: Report) -> list[str | None]:
        return [each.policy for each in report.objections]

    assert (
        policies_of(await onboarding(aws(names)))
        == policies_of(await onboarding(aws(sorted(names))))
        == [f"inline policy {n}" for n in "abc"]
    )


# --- the session ---


def test_a_session_is_limited_to_what_is_read_unless_that_is_switched_off() -> None:
    role = Role(ROLE_ARN)
    (name,) = _session_limit(settings(), FAMILIES, ()).params(role)
    assert name == "Policy"
    assert "sns:ListTopics" in _session_limit(settings(), FAMILIES, ()).params(role)["Policy"]
    assert "iam:GetRole" in _session_limit(settings(), FAMILIES, ()).params(role)["Policy"]
    assert _session_limit(settings(no_session_policy=True), FAMILIES, ()).params(role) == {}


def test_policies_that_limit_a_session_are_those_of_each_account_and_the_role_may_still_look_at_itself() -> None:
    named = ("inventory/Inventory-01", "/Inventory-02", "arn:aws-cn:iam::aws:policy/ViewOnlyAccess")
    limit = _session_limit(settings(account=(ACCOUNT, OURS), session_policy=named), FAMILIES, ())

    for account in (ACCOUNT, OURS):
        params = limit.params(Role(f"arn:aws-cn:iam::{account}:role/inventory/Inventory"))
        assert [each["arn"] for each in params["PolicyArns"]] == [
            f"arn:aws-cn:iam::{account}:policy/inventory/Inventory-01",
            f"arn:aws-cn:iam::{account}:policy/Inventory-02",
            "arn:aws-cn:iam::aws:policy/ViewOnlyAccess",
        ]
        assert "iam:GetRole" in params["Policy"]
        assert "sns:ListTopics" not in params["Policy"]
        assert len(params["Policy"]) + sum(len(each["arn"]) for each in params["PolicyArns"]) < CHARACTERS
    billing = _session_limit(settings(session_policy=named), (), Place("costs", "exports/").calls()).policy
    assert '"s3:GetObject","Resource":["arn:*:s3:::costs/exports/*"]' in (billing or ""), "billing files are in no generated policy"


def test_a_policy_of_one_account_limits_no_session_in_another() -> None:
    with pytest.raises(SettingsError, match="is one account's policy; for several accounts give the policy's name"):
        settings(account=(ACCOUNT, OURS), session_policy=(f"{OWN_POLICY}Inventory-01",))
    with pytest.raises(SettingsError, match="session_policy: 11 policies; AWS takes 10"):
        settings(session_policy=tuple(f"Inventory-{number:02}" for number in range(11)))


@pytest.mark.parametrize("billing", ["s3://costs", "s3://costs/", "s3://costs/*", "costs/exports/", "s3://costs/${aws:username}/"])
def test_billing_files_are_named_in_full(billing: str) -> None:
    with pytest.raises(SettingsError, match="billing: "):
        settings(billing=billing)


async def test_a_session_policy_that_aws_cannot_pack_is_told_with_what_helps() -> None:
    too_large = failing("PackedPolicyTooLarge")

    report = await onboarding(Aws(AssumeRole=too_large))
    assert report.objections[0].says.endswith("read fewer services at once, or give --no-session-policy.")

    too_large.asked = "sts:AssumeRole"
    asked = settings(region=("eu-west-1",))
    there = entrance(Aws(GetCallerIdentity=too_large), Role(ROLE_ARN, EXTERNAL_ID))
    with capture_logs() as events:
        (account,) = await _accounts(asked, there, gate(asked, FAMILIES))
    assert account.blocked == Gap(action="sts:AssumeRole", code="PackedPolicyTooLarge", kind="failed")
    assert account.regions == ("eu-west-1",)
    assert [(each["event"], each["code"], "--no-session-policy" in each["fix"]) for each in events] == [
        ("account.blocked", "PackedPolicyTooLarge", True)
    ]


async def test_of_a_halted_account_not_even_the_regions_are_asked() -> None:
    aws = Aws(inline={"extra": allow("s3:GetObject")})
    asked = settings(region=("eu-*",), exclude_region=("eu-south-*",))

    (account,) = await _accounts(asked, entrance(aws, Role(ROLE_ARN, EXTERNAL_ID)), gate(asked, FAMILIES))

    assert "DescribeRegions" not in aws.operations()
    assert account.blocked == Gap(action="s3:GetObject", code="DataRead", kind="halted")
    assert "eu-west-1" in account.regions
    assert all(region.startswith("eu-") and not region.startswith("eu-south-") for region in account.regions)
