"""A role as Terraform configuration, in Terraform's JSON syntax (``main.tf.json``): the same parameters, policies and output."""

import json
import re
from typing import Any

from collector.iam.role import SESSION_SECONDS, Parameter, Role, replaced

_ALSO = {
    "AWS::Partition": "data.aws_partition.current.partition",
    "AWS::AccountId": "data.aws_caller_identity.current.account_id",
    "TrustedAccount": 'split(":", var.trusted_principal_arn)[4]',
}


def terraform(made: Role) -> str:
    """The configuration's text. The policies are locals: data to read, and one resource makes them all."""
    managed = {
        "for_each": "${local.managed_policies}",
        "name": "${var.role_name}-${each.key}",
        "path": "${var.role_path}",
        "policy": "${jsonencode(each.value)}",
    }
    role = {
        "name": "${var.role_name}",
        "path": "${var.role_path}",
        "max_session_duration": SESSION_SECONDS,
        "permissions_boundary": '${var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn}',
        "assume_role_policy": "${jsonencode(local.trust)}",
    }
    inline: dict[str, Any] = {}
    for each in made.inline:
        name = _snake(each.name)
        counted = {}
        if parameter := each.only_with or each.only_without:
            counted = {"count": f'${{var.{_snake(parameter)} {"!=" if each.only_with else "=="} "" ? 1 : 0}}'}
        inline[name] = {**counted, "name": each.name, "role": "${aws_iam_role.inventory.name}", "policy": f"${{jsonencode(local.{name})}}"}
    attached = {"for_each": "${aws_iam_policy.inventory}", "role": "${aws_iam_role.inventory.name}", "policy_arn": "${each.value.arn}"}
    configuration = {
        "terraform": {"required_version": ">= 1.3", "required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "variable": {_snake(each.name): _variable(each) for each in made.parameters},
        "data": {"aws_partition": {"current": {}}, "aws_caller_identity": {"current": {}}},
        "locals": {
            "managed_policies": made.managed,
            "trust": _said(made.trust),
            **{_snake(each.name): _said(each.document) for each in made.inline},
        },
        "resource": {
            "aws_iam_policy": {"inventory": managed},
            "aws_iam_role": {"inventory": role},
            "aws_iam_role_policy_attachment": {"inventory": attached},
            "aws_iam_role_policy": inline,
        },
        "output": {"role_arn": {"description": "The role to assume.", "value": "${aws_iam_role.inventory.arn}"}},
    }
    return json.dumps(configuration, indent=2) + "\n"


def _variable(each: Parameter) -> dict[str, Any]:
    name = _snake(each.name)
    about: dict[str, Any] = {
        "type": "string",
        "description": each.about,
        "nullable": False,
        "validation": {
            "condition": f"${{can(regex({json.dumps(f'^{each.pattern}$')}, var.{name}))}}",
            "error_message": _sentence(each.refusal),
        },
    }
    if each.default is not None:
        about["default"] = each.default
    if each.secret:
        about["sensitive"] = True
    return about


def _sentence(text: str) -> str:
    """Terraform wants an error message to be at least one full English sentence."""
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _snake(name: str) -> str:
    """``TrustedPrincipalArn`` -> ``trusted_principal_arn``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _said(value: Any) -> Any:
    return replaced(value, lambda name: f"${{{_ALSO.get(name) or f'var.{_snake(name)}'}}}")
