"""Can analysers answer their checks from what we write? Every field a check needs is looked up in the shape of the records."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.model import MapShape

from collector.spec.api import Node, UnknownPathError, item_of, service_model
from collector.spec.model import Call, Resource
from collector.spec.reader import read_specs

CHECKS: Mapping[str, Mapping[str, Any]] = tomllib.loads(Path(__file__).with_name("wastage_checks.toml").read_text(encoding="utf-8"))
KNOWN = 145
"""How many checks ten open analysers and AWS's own advisers make together; the names in wastage_checks.toml are theirs."""


class FieldMissingError(Exception):
    """A record has no such field, or it is redacted."""


@cache
def resources() -> Mapping[str, Resource]:
    """Every resource that has a spec, by its type without ``AWS::``."""
    return {resource.type.removeprefix("AWS::"): resource for service in read_specs().values() for resource in service.resources.values()}


def look_up(resource: Resource, field: str) -> None:
    """Find *field* in the records of *resource*; raises FieldMissingError."""
    if field in ("arn", "tags"):
        if getattr(resource, field) is None:
            raise FieldMissingError(f"the type has no {field}")
        return
    if field.startswith("supplementary."):
        _, name, *path = field.split(".")
        if name not in resource.get:
            raise FieldMissingError(f'no get is called "{name}"')
        call = resource.get[name]
    else:
        call, path = resource.describe or resource.list, field.split(".")
    _walk(call, path)


def _walk(call: Call, path: list[str]) -> None:
    node = item_of(call.take, service_model(call.service).operation_model(call.operation))
    for name in path:
        while node.is_list():
            node = node.items()
        _known_key(node, name)
        try:
            node = node.member(name)
        except UnknownPathError as error:
            raise FieldMissingError(f"{call.operation}: {error}") from error
        if not node.is_known():
            raise FieldMissingError(f'{call.operation}: what "{name}" is cannot be told')
    hidden = [each for each in call.redact if _is_under(path, each)]
    if hidden:
        raise FieldMissingError(f"{call.operation}: {hidden[0]} is redacted")


def _is_under(path: list[str], redacted: str) -> bool:
    """Is *path* what is redacted, or something below it?"""
    names = redacted.split(".")
    return redacted == "@" or (len(path) >= len(names) and all(name in ("*", there) for name, there in zip(names, path, strict=False)))


def _known_key(node: Node, name: str) -> None:
    """A map takes any key, unless AWS says which there are (SQS's attributes)."""
    if isinstance(node.shape, MapShape):
        keys = node.shape.key.metadata.get("enum", ())
        if name not in keys:
            raise FieldMissingError(f'the map has no key "{name}"')


def needed_fields() -> Mapping[str, frozenset[str]]:
    """Every field that some check needs, by type without ``AWS::``."""
    needed: dict[str, frozenset[str]] = {}
    for _, types in _answered():
        for type, fields in types.items():
            needed[type] = needed.get(type, frozenset()) | frozenset(fields.split())
    return needed


def _answered() -> Iterator[tuple[str, Mapping[str, str]]]:
    yield from CHECKS["met"].items()
    yield from ((name, check["fields"]) for name, check in CHECKS["partly"].items())


@pytest.mark.parametrize(("name", "types"), [pytest.param(*each, id=each[0]) for each in _answered()])
def test_records_have_every_field_that_a_check_needs(name: str, types: Mapping[str, str]) -> None:
    missing = []
    for type, fields in types.items():
        if type not in resources():
            missing.append(f"AWS::{type} has no spec")
            continue
        for field in fields.split():
            try:
                look_up(resources()[type], field)
            except FieldMissingError as error:
                missing.append(f"AWS::{type} {field}: {error}")
    assert missing == []


@pytest.mark.parametrize(
    ("type", "field"),
    [
        ("IAM::Role", "RoleLastUsed.LastUsedDate"),
        ("IAM::AccessKey", "supplementary.last_used.LastUsedDate"),
        ("IAM::User", "PasswordLastUsed"),
        ("ECR::Image", "lastRecordedPullTime"),
        ("SecretsManager::Secret", "LastAccessedDate"),
        ("EC2::Image", "LastLaunchedTime"),
        ("WorkSpaces::Workspace", "supplementary.connection.LastKnownUserConnectionTimestamp"),
        ("SageMaker::App", "supplementary.of_user_profile.LastUserActivityTimestamp"),
        ("Glue::Table", "LastAccessTime"),
        ("AccessAnalyzer::Finding", "supplementary.unused_permissions.lastAccessed"),
    ],
)
def test_when_it_was_last_used_is_told_where_aws_knows_without_a_metric(type: str, field: str) -> None:
    look_up(resources()[type], field)


def test_every_check_is_met_or_says_why_not() -> None:
    sections = [set(CHECKS[section]) for section in ("met", "partly", "unmet")]
    assert sum(map(len, sections)) == len(set().union(*sections)) == KNOWN
    assert all(
        len(reason.split()) > 5 for reason in (*CHECKS["unmet"].values(), *(check["missing"] for check in CHECKS["partly"].values()))
    )


@pytest.mark.parametrize(
    ("type", "field"),
    [
        ("EC2::Volume", "NoSuchField"),
        ("EC2::Volume", "State.Name"),
        ("S3::Bucket", "supplementary.objects"),
        ("SQS::Queue", "Messages"),
        ("AutoScaling::LaunchConfiguration", "UserData"),
        ("Lambda::Function", "Environment.Variables.PASSWORD"),
        ("Athena::WorkGroup", "supplementary.queries.QueryString"),
        ("WorkSpaces::Workspace", "UserName"),
        ("CodeBuild::Project", "environment.environmentVariables.value"),
        ("ECS::TaskDefinition", "containerDefinitions.environment.value"),
    ],
)
def test_a_field_that_no_record_has_is_not_found(type: str, field: str) -> None:
    with pytest.raises(FieldMissingError):
        look_up(resources()[type], field)
