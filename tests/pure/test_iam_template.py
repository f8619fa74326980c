import ast
import json
import re
import warnings
from functools import cache
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from collector.billing.place import Place
from collector.iam.document import read_document
from collector.iam.form import Form, Kind
from collector.iam.permissions import data_allowances, grants, permissions
from collector.iam.policy import LARGEST_POLICY, MOST_POLICIES, policies, size
from collector.iam.role import BILLING_READS, REFERENCE, Role, filled, role, trust
from collector.iam.template import INLINE_BYTES, Layout, cloudformation, template
from collector.iam.terraform import terraform
from collector.iam.verdict import RolePolicy, billing_allowances, granted_actions, judge, shipped_table
from collector.spec import facts
from collector.spec.reader import read_specs
from collector.spec.select import families

KINDS, FORMS = list(Kind), list(Form)
EACH_ONCE = [(Kind.SERVICE, Form.VERBS), (Kind.BILLING, Form.EXACT)]
"""For other people's linters, which take seconds: what either kind has is in one of them in each form."""
LARGEST_INLINE = 10_240
"""Characters of all inline policies of a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
LARGEST_THROUGH_S3 = 1_000_000

KEY = "arn:aws:kms:us-east-1:444455556666:key/0a1b2c3d"
VALUES = {
    "TrustedPrincipalArn": "arn:aws:iam::111122223333:role/hub/Collector",
    "ExternalId": "acme-4711",
    "RolePath": "/inventory/",
    "BillingBucket": "acme-billing",
    "BillingPrefix": "exports/cur/",
    "BillingKeyArn": KEY,
    "PermissionsBoundaryArn": "arn:aws:iam::444455556666:policy/Boundary",
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
OPTIONAL = ("BillingKeyArn", "PermissionsBoundaryArn")


@cache
def made(kind: Kind, form: Form) -> Role:
    rows = permissions(families(read_specs()))
    return role(kind, policies(rows, form, every_row=rows, denied_elsewhere=BILLING_READS if kind is Kind.BILLING else ()))


def deployed(kind: Kind, form: Form, *without: str) -> Role:
    """The role as account 444455556666 has it, *without* some optional parameters."""
    values = {name: value for name, value in VALUES.items() if name not in without}
    return filled(made(kind, form), values, partition="aws", account_id="444455556666")


def carried(of: Role) -> list[RolePolicy]:
    return [RolePolicy(name, document) for name, document in of.managed.items()] + [
        RolePolicy(each.name, each.document) for each in of.inline
    ]


def resources(of: Role, action: str) -> set[str]:
    """What the role's own inline policies allow *action* on."""
    statements = [statement for each in of.inline for statement in read_document(each.document).statements if statement.allows]
    return {resource for statement in statements if action in (statement.actions or ()) for resource in statement.resources or ()}


# --- what the roles may do ---


@pytest.mark.parametrize("without", [(), OPTIONAL], ids=["with options", "without options"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_both_roles_are_judged_without_a_finding(kind: Kind, form: Form, without: tuple[str, ...]) -> None:
    key = None if without else KEY
    billing = billing_allowances("acme-billing", "exports/cur/", key) if kind is Kind.BILLING else {}
    scoped = data_allowances(grants(permissions(families(read_specs()))))

    verdict = judge(carried(deployed(kind, form, *without)), shipped_table(), allowances={**scoped, **billing}, strict=True)

    assert verdict.findings == ()


@pytest.mark.parametrize("form", FORMS)
def test_the_billing_role_reads_one_prefix_of_one_bucket_and_nothing_else_of_s3(form: Form) -> None:
    billing, service = (granted_actions(carried(deployed(kind, form)), shipped_table()) for kind in (Kind.BILLING, Kind.SERVICE))

    assert billing - service == {"kms:Decrypt", "s3:GetObject", "s3:ListBucket"}
    assert {call.action for call in Place("acme-billing", "exports/cur/").calls()} <= billing
    assert resources(deployed(Kind.BILLING, form), "s3:GetObject") == {"arn:aws:s3:::acme-billing/exports/cur/*"}
    assert resources(deployed(Kind.BILLING, form), "s3:ListBucket") == {"arn:aws:s3:::acme-billing"}
    assert resources(deployed(Kind.BILLING, form), "kms:Decrypt") == {KEY}


def test_without_a_key_the_billing_role_is_denied_decryption() -> None:
    everything = RolePolicy("everything", EVERYTHING)

    granted = granted_actions([*carried(deployed(Kind.BILLING, Form.EXACT, "BillingKeyArn")), everything], shipped_table())

    assert "kms:Decrypt" not in granted


@pytest.mark.parametrize("kind", KINDS)
def test_the_deny_holds_whatever_else_is_attached(kind: Kind) -> None:
    everything = RolePolicy("everything", EVERYTHING)
    halt = {fact.action for fact in facts.deny_facts() if fact.tier == "halt"}
    scoped = set(data_allowances(grants(permissions(families(read_specs())))))

    granted = granted_actions([*carried(deployed(kind, Form.EXACT)), everything], shipped_table())

    # A Deny with NotResource does deny these outside the bucket and key; the evaluator, on the safe side, does not count it.
    assert granted & halt == scoped | ({"kms:Decrypt", "s3:GetObject"} if kind is Kind.BILLING else set())


def test_a_role_inspects_itself_its_own_policies_and_its_boundary_only() -> None:
    of = deployed(Kind.SERVICE, Form.EXACT)

    for action in ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"):
        assert resources(of, action) == {"arn:aws:iam::444455556666:role/inventory/InventoryReadOnly"}
    for action in ("iam:GetPolicy", "iam:GetPolicyVersion"):
        assert resources(of, action) == {
            "arn:aws:iam::444455556666:policy/inventory/InventoryReadOnly-*",
            "arn:aws:iam::444455556666:policy/Boundary",
        }
    assert {
        action.partition(":")[0] for each in of.inline[1:] for s in read_document(each.document).statements for action in s.actions or ()
    } == {"iam"}


def test_the_trust_names_account_principal_and_external_id() -> None:
    assert deployed(Kind.SERVICE, Form.EXACT).trust == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"sts:ExternalId": "acme-4711", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/hub/Collector"}
                },
            }
        ],
    }
    assert deployed(Kind.SERVICE, Form.EXACT).trust == trust(
        VALUES["TrustedPrincipalArn"], VALUES["ExternalId"], root="arn:aws:iam::111122223333:root"
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_role_keeps_to_the_quotas_with_the_longest_names(kind: Kind, form: Form) -> None:
    longest = {
        "TrustedPrincipalArn": VALUES["TrustedPrincipalArn"],
        "ExternalId": "x" * 1224,
        "RoleName": "r" * 64,
        "RolePath": "/" + ("p" * 64 + "/") * 4,
        "BillingBucket": "b" * 63,
        "BillingPrefix": ("f" * 64 + "/") * 8,
        "BillingKeyArn": KEY,
        "PermissionsBoundaryArn": f"arn:aws-us-gov:iam::444455556666:policy/{'b' * 512}",
    }
    assert all(re.fullmatch(each.pattern, longest[each.name]) for each in made(kind, form).parameters)

    of = filled(made(kind, form), longest, partition="aws-us-gov", account_id="444455556666")

    assert max(size(document) for document in of.managed.values()) <= LARGEST_POLICY
    assert len(of.managed) <= MOST_POLICIES
    assert max(len(name) for name in of.managed) <= 128
    assert sum(size(each.document) for each in of.inline) <= LARGEST_INLINE


# --- parameters ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TrustedPrincipalArn", "arn:aws:iam::111122223333:root"),
        ("TrustedPrincipalArn", "arn:aws:iam::111122223333:role/*"),
        ("TrustedPrincipalArn", "arn:aws:iam::*:role/Collector"),
        ("TrustedPrincipalArn", "*"),
        ("ExternalId", "x"),
        ("ExternalId", "a b"),
        ("ExternalId", "abc*"),
        ("ExternalId", "x" * 1225),
        ("RoleName", "a/b"),
        ("RoleName", "x" * 65),
        ("RolePath", "inventory"),
        ("RolePath", "/*/"),
        ("PermissionsBoundaryArn", "arn:aws:iam::111122223333:policy/*"),
        ("BillingBucket", "acme-*"),
        ("BillingBucket", "${aws:username}"),
        ("BillingPrefix", ""),
        ("BillingPrefix", "exports"),
        ("BillingPrefix", "*/"),
        ("BillingPrefix", "a?/"),
        ("BillingPrefix", "${x}/"),
        ("BillingPrefix", "/"),
        ("BillingKeyArn", "*"),
        ("BillingKeyArn", "arn:aws:kms:*:444455556666:key/0a1b"),
        ("BillingKeyArn", "arn:aws:kms:us-east-1:444455556666:alias/billing"),
    ],
)
def test_a_parameter_that_could_open_more_is_refused(name: str, value: str) -> None:
    (parameter,) = (each for each in made(Kind.BILLING, Form.VERBS).parameters if each.name == name)

    assert re.fullmatch(parameter.pattern, VALUES.get(name, parameter.default or ""))
    assert not re.fullmatch(parameter.pattern, value)


def test_the_external_id_is_not_shown() -> None:
    of = made(Kind.SERVICE, Form.VERBS)

    assert template(of)["Parameters"]["ExternalId"]["NoEcho"] is True
    assert json.loads(terraform(of))["variable"]["external_id"]["sensitive"] is True


# --- CloudFormation ---


@pytest.mark.parametrize("kind", KINDS)
def test_yaml_and_json_say_the_same(kind: Kind) -> None:
    of = made(kind, Form.EXACT)

    assert yaml.safe_load(cloudformation(of, Layout.YAML)) == json.loads(cloudformation(of, Layout.JSON)) == template(of)
    assert not re.search(r"^\s*\S*: [&*]id\d", cloudformation(of, Layout.YAML), re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_fits_cloudformation(kind: Kind) -> None:
    assert len(cloudformation(made(kind, Form.EXACT), Layout.YAML).encode()) < LARGEST_THROUGH_S3
    assert len(cloudformation(made(kind, Form.VERBS), Layout.YAML).encode()) < INLINE_BYTES
    assert len(template(made(kind, Form.EXACT))["Description"].encode()) <= 1024


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "form"), EACH_ONCE)
def test_cfn_lint_finds_nothing(kind: Kind, form: Form) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cfnlint.api import lint

        assert [str(match) for match in lint(cloudformation(made(kind, form), Layout.YAML))] == []


@pytest.mark.parametrize("form", FORMS)
def test_every_managed_policy_of_a_template_is_attached(form: Form) -> None:
    resources = template(made(Kind.SERVICE, form))["Resources"]

    managed = [name for name, each in resources.items() if each["Type"] == "AWS::IAM::ManagedPolicy"]

    assert len(managed) == len(made(Kind.SERVICE, form).managed)
    assert resources["Role"]["Properties"]["ManagedPolicyArns"] == [{"Ref": name} for name in managed]


@pytest.mark.parametrize("without", [(), OPTIONAL], ids=["with options", "without options"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_makes_exactly_the_role_that_was_designed(kind: Kind, without: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    of = made(kind, Form.VERBS)
    known = {each.name for each in of.parameters}
    values = {name: value for name, value in VALUES.items() if name in known and name not in without}
    with mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        iam = boto3.client("iam")
        account = boto3.client("sts", region_name="us-east-1").get_caller_identity()["Account"]
        values["TrustedPrincipalArn"] = f"arn:aws:iam::{account}:role/hub/Collector"
        if "PermissionsBoundaryArn" in values:
            boundary = iam.create_policy(PolicyName="Boundary", PolicyDocument=json.dumps(EVERYTHING))
            values["PermissionsBoundaryArn"] = boundary["Policy"]["Arn"]
        boto3.client("cloudformation", region_name="us-east-1").create_stack(
            StackName="inventory",
            TemplateBody=cloudformation(of, Layout.YAML),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        live = iam.get_role(RoleName="InventoryReadOnly")["Role"]
        made_policies = [each for each in iam.list_policies(Scope="Local")["Policies"] if each["PolicyName"] != "Boundary"]
        managed = {
            each["PolicyName"]: iam.get_policy_version(PolicyArn=each["Arn"], VersionId="v1")["PolicyVersion"]["Document"]
            for each in made_policies
        }
        inline = {
            name: read_back(iam.get_role_policy(RoleName="InventoryReadOnly", PolicyName=name)["PolicyDocument"])
            for name in iam.list_role_policies(RoleName="InventoryReadOnly")["PolicyNames"]
        }
    wanted = filled(of, values, partition="aws", account_id=account)

    assert live["Arn"] == f"arn:aws:iam::{account}:role/inventory/InventoryReadOnly"
    assert live["MaxSessionDuration"] == 3600
    assert live["AssumeRolePolicyDocument"] == wanted.trust
    assert live.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") == values.get("PermissionsBoundaryArn")
    assert managed == wanted.managed
    assert {each["Arn"] for each in made_policies} == {f"arn:aws:iam::{account}:policy/inventory/{name}" for name in wanted.managed}
    assert inline == {each.name: each.document for each in wanted.inline}


def read_back(document: Any) -> Any:
    """moto keeps a policy that is written inside a role as Python's text of it."""
    return ast.literal_eval(document) if isinstance(document, str) else document


# --- parliament ---


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "form"), EACH_ONCE)
def test_parliament_finds_nothing(kind: Kind, form: Form) -> None:
    """Its table of actions is older than ours, so what it does not know and we do is left out; and an inventory reads every resource."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from parliament import analyze_policy_string

        for policy in carried(deployed(kind, form)):
            document = json.loads(json.dumps(policy.document))
            unknown = {
                finding.location["string"]
                for finding in analyze_policy_string(json.dumps(document)).findings
                if finding.issue in ("UNKNOWN_ACTION", "UNKNOWN_PREFIX")
            }
            assert all("*" in action or facts.action(action) for action in unknown)
            for statement in document["Statement"]:
                if isinstance(statement["Action"], list):
                    statement["Action"] = [action for action in statement["Action"] if action not in unknown]
            document["Statement"] = [statement for statement in document["Statement"] if statement["Action"]]
            findings = [finding for finding in analyze_policy_string(json.dumps(document)).findings if finding.issue != "RESOURCE_STAR"]
            assert [str(finding) for finding in findings] == []


# --- Terraform ---


@pytest.mark.parametrize("kind", KINDS)
def test_terraform_makes_the_same_role(kind: Kind) -> None:
    of = made(kind, Form.EXACT)

    configuration = json.loads(terraform(of))

    made_resources = configuration["resource"]
    assert set(made_resources) == {"aws_iam_policy", "aws_iam_role", "aws_iam_role_policy_attachment", "aws_iam_role_policy"}
    assert configuration["locals"]["managed_policies"] == of.managed
    assert {each["name"] for each in made_resources["aws_iam_role_policy"].values()} == {each.name for each in of.inline}
    assert made_resources["aws_iam_role"]["inventory"]["max_session_duration"] == 3600
    assert configuration["output"]["role_arn"]["value"] == "${aws_iam_role.inventory.arn}"
    assert len(configuration["variable"]) == len(of.parameters)
    assert ("count" in made_resources["aws_iam_role_policy"]["boundary_inspection"]) is True
    assert ("count" in made_resources["aws_iam_role_policy"]["deny"]) is False


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_that_terraform_refers_to_is_declared(kind: Kind) -> None:
    text = terraform(made(kind, Form.VERBS))
    configuration = json.loads(text)

    assert set(re.findall(r"var\.([a-z_]+)", text)) == set(configuration["variable"])
    assert set(re.findall(r"local\.([a-z_]+)", text)) == set(configuration["locals"])
    assert not [name for name in REFERENCE.findall(text) if name[0].isupper()]


@pytest.mark.parametrize("kind", KINDS)
def test_terraform_validates_what_cloudformation_validates(kind: Kind) -> None:
    of = made(kind, Form.VERBS)
    variables = json.loads(terraform(of))["variable"]

    for each, variable in zip(of.parameters, variables.values(), strict=True):
        assert f"^{each.pattern}$" == template(of)["Parameters"][each.name]["AllowedPattern"]
        assert f'regex("^{each.pattern}$",' in variable["validation"]["condition"]
        assert variable["validation"]["error_message"].endswith(".")
        # Go's regular expressions, which Terraform uses, refuse to count beyond a thousand.
        assert max((int(number) for number in re.findall(r"[{,](\d+)\}", each.pattern)), default=0) <= 1000
