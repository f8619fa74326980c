"""A role as a CloudFormation template, to be deployed as a stack or as a StackSet."""

import json
from enum import StrEnum
from typing import Any

from collector import __version__
from collector.iam.form import Kind
from collector.iam.role import REFERENCE, SESSION_SECONDS, Inline, Parameter, Role

INLINE_BYTES = 51_200
"""The longest template that may be given in the call itself; through S3 it is 1 MB.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""
_ABOUT = {
    Kind.SERVICE: "The read-only role of the service inventory.",
    Kind.BILLING: "The read-only role of the service inventory in the account that holds the billing files.",
}
_HOW = (
    "Deploy with CAPABILITY_NAMED_IAM. IAM is global: as a StackSet, deploy it to one region only. "
    "A StackSet with service-managed permissions skips the organisation's management account: deploy it there as a stack of its own."
)
_POLICY_ABOUT = "Service inventory, written by the collector."
"""The same in every release: a description cannot be changed, and a policy with a name of its own cannot be replaced."""


class Layout(StrEnum):
    YAML = "yaml"
    JSON = "json"


def cloudformation(made: Role, layout: Layout) -> str:
    """The template's text. YAML is for reading; JSON is without white space, to stay under ``INLINE_BYTES`` for longer."""
    if layout is Layout.JSON:
        return json.dumps(template(made), separators=(",", ":")) + "\n"
    import yaml

    text: str = yaml.dump(template(made), Dumper=_without_anchors(yaml), sort_keys=False, width=140)
    return text


def template(made: Role) -> dict[str, Any]:
    """The template as an object. The role is made with its policies and its Deny; it never exists without that."""
    policies = {
        f"Policy{name.replace('-', '')}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": _said(f"${{RoleName}}-{name}"),
                "Path": _said("${RolePath}"),
                "Description": _POLICY_ABOUT,
                "PolicyDocument": document,
            },
        }
        for name, document in made.managed.items()
    }
    optional = {
        each.name: {
            "Type": "AWS::IAM::Policy",
            "Condition": f"Has{each.only_with}" if each.only_with else f"HasNo{each.only_without}",
            "Properties": {**_inline(each), "Roles": [{"Ref": "Role"}]},
        }
        for each in made.inline
        if each.only_with or each.only_without
    }
    boundary = {"Fn::If": ["HasPermissionsBoundaryArn", _said("${PermissionsBoundaryArn}"), {"Ref": "AWS::NoValue"}]}
    properties = {
        "RoleName": _said("${RoleName}"),
        "Path": _said("${RolePath}"),
        "Description": _ABOUT[made.kind],
        "MaxSessionDuration": SESSION_SECONDS,
        "PermissionsBoundary": boundary,
        "AssumeRolePolicyDocument": _said(made.trust),
        "ManagedPolicyArns": [{"Ref": name} for name in policies],
        "Policies": [_inline(each) for each in made.inline if not (each.only_with or each.only_without)],
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{_ABOUT[made.kind]} {_HOW}",
        "Metadata": {"Collector": {"Release": __version__}},
        "Parameters": {each.name: _parameter(each) for each in made.parameters},
        "Conditions": _conditions(made),
        "Resources": {**policies, "Role": {"Type": "AWS::IAM::Role", "Properties": properties}, **optional},
        "Outputs": {"RoleArn": {"Description": "The role to assume.", "Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }


def _parameter(each: Parameter) -> dict[str, Any]:
    about: dict[str, Any] = {
        "Type": "String",
        "Description": each.about,
        "AllowedPattern": f"^{each.pattern}$",
        "ConstraintDescription": each.refusal,
    }
    if each.default is not None:
        about["Default"] = each.default
    if each.secret:
        about["NoEcho"] = True
    return about


def _inline(each: Inline) -> dict[str, Any]:
    return {"PolicyName": each.name, "PolicyDocument": _said(each.document)}


def _conditions(made: Role) -> dict[str, Any]:
    """``HasX`` for each optional parameter, and ``HasNoX`` where a policy asks for it."""
    has = {f"Has{each.name}": {"Fn::Not": [{"Fn::Equals": [{"Ref": each.name}, ""]}]} for each in made.parameters if each.optional}
    without = {each.only_without for each in made.inline if each.only_without}
    return has | {f"HasNo{name}": {"Fn::Equals": [{"Ref": name}, ""]} for name in sorted(without)}


def _said(value: Any) -> Any:
    """*value* with its parameters in CloudFormation's words."""
    if isinstance(value, dict):
        return {name: _said(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_said(each) for each in value]
    if not isinstance(value, str) or not (names := REFERENCE.findall(value)):
        return value
    if value == f"${{{names[0]}}}":
        return {"Ref": names[0]}
    if "TrustedAccount" in names:
        account = {"Fn::Select": [4, {"Fn::Split": [":", {"Ref": "TrustedPrincipalArn"}]}]}
        return {"Fn::Sub": [value, {"TrustedAccount": account}]}
    return {"Fn::Sub": value}


def _without_anchors(yaml: Any) -> Any:
    """YAML that says twice what is there twice: CloudFormation takes anchors, people stumble over them."""

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        def ignore_aliases(self, _: Any) -> bool:
            return True

    return Dumper
