"""A request -> which operation of which service it is, and its parameters.

The service comes from the signature's scope. Services that share a signing name are told apart by X-Amz-Target, by
the query protocol's Version and Action, or by the path. Where even that fits several (RDS, Neptune and DocumentDB
speak one API), the header `x-synthetic-service`, or `api/<service>` in the User-Agent, decides; else the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import OperationModel, OperationNotFoundError

from tests.synthetic import models
from tests.synthetic.models import ServiceFacts
from tests.synthetic.params import json_params, query_params, rest_params

# REST services that are called without a signature, or with a bearer token (botocore: authtype none, signatureVersion).
_UNSIGNED = ("sso", "sso-oidc", "codecatalyst")
# Models that share everything with another: the one that answers when nothing else tells them apart.
_PREFERRED = ("rds", "qconnect", "bedrock-agent", "bedrock", "chime-sdk-voice", "pinpoint-sms-voice", "greengrassv2")
_HINT = re.compile(r"\bapi/([a-z0-9-]+)")


class NoRouteError(Exception):
    """No operation of botocore's models fits the request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: *target* is path and query as sent; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """What a request asks for."""

    service: str
    operation: OperationModel
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """How one REST operation looks in a path and query string."""

    operation: str
    path: re.Pattern[str]
    labels: dict[str, str]  # regex group -> label
    fixed: frozenset[tuple[str, str]]
    needed: frozenset[str]  # query-string keys that must be there
    headers: frozenset[str]  # headers that must be there
    known: frozenset[str]
    literal: int
    deprecated: bool


def route(request: Request, signing_name: str) -> Route:
    """Find the operation. Raises NoRouteError."""
    hint = hinted_service(request)
    target = request.headers.get("x-amz-target")
    if target:
        return _json_route(request, target, signing_name, hint)
    form = _form(request)
    if "Action" in form:
        return _query_route(form, signing_name, hint)
    return _rest_route(request, signing_name, hint)


def hinted_service(request: Request) -> str:
    """The service that the client says it means; empty when it does not say."""
    hint = request.headers.get("x-synthetic-service") or ""
    if not hint and (found := _HINT.search(request.headers.get("user-agent", ""))):
        hint = found.group(1)
    return hint


def _hinted(services: Iterable[ServiceFacts], hint: str) -> list[ServiceFacts]:
    """*services*, the hinted one first, then those preferred, then the newest."""
    preferred = {name: rank for rank, name in enumerate(_PREFERRED)}
    ordered = sorted(services, key=lambda service: service.api_version, reverse=True)
    return sorted(ordered, key=lambda s: (s.name != hint, preferred.get(s.name, len(preferred))))


def _operation(service: ServiceFacts, name: str) -> OperationModel | None:
    try:
        return models.operation_model(service.name, name)
    except OperationNotFoundError:
        return None


def _json_route(request: Request, target: str, signing_name: str, hint: str) -> Route:
    prefix, _, name = target.rpartition(".")
    fitting = [service for service in models.all_services() if service.target_prefix == prefix]
    for service in _hinted(fitting, hint):
        operation = _operation(service, name)
        if operation is not None:
            return Route(service.name, operation, json_params(operation, request.body))
    raise NoRouteError(f"X-Amz-Target {target}, signed as {signing_name}")


def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    _, _, query = request.target.partition("?")
    return dict(parse_qsl(query, keep_blank_values=True)) if "Action=" in query else {}


def _query_route(form: dict[str, str], signing_name: str, hint: str) -> Route:
    fitting = [
        service for service in models.all_services() if service.protocol in ("query", "ec2") and service.api_version == form.get("Version")
    ]
    signed = [service for service in fitting if service.signing_name == signing_name]
    for service in _hinted(signed or fitting, hint):
        operation = _operation(service, form["Action"])
        if operation is not None:
            return Route(service.name, operation, query_params(operation, form, ec2=service.protocol == "ec2"))
    raise NoRouteError(f"Action {form['Action']} of Version {form.get('Version')}, signed as {signing_name}")


def _rest_route(request: Request, signing_name: str, hint: str) -> Route:
    path, _, query = request.target.partition("?")
    asked = parse_qsl(query, keep_blank_values=True)
    keys = {key for key, _ in asked}
    if signing_name:
        services: Iterable[ServiceFacts] = models.signed_as(signing_name)
    else:
        services = [models.by_name()[name] for name in _UNSIGNED]
    if hint in models.by_name():
        services = {service.name: service for service in (*services, models.by_name()[hint])}.values()
    best: tuple[tuple[int, ...], ServiceFacts, _Pattern, dict[str, str]] | None = None
    for rank, service in enumerate(_hinted(services, hint)):
        if not service.protocol.startswith("rest"):
            continue
        for pattern in _patterns(service.name).get(request.method, ()):
            found = pattern.path.fullmatch(path)
            if found is None or not pattern.fixed <= set(asked) or not pattern.needed <= keys:
                continue
            if not all(header in request.headers for header in pattern.headers):
                continue
            score = (
                int(service.name == hint),
                # S3 lists directory buckets with the same request as buckets, signed for another service.
                int(service.name != "s3" or ("DirectoryBucket" in pattern.operation) == (signing_name == "s3express")),
                len(pattern.fixed) + len(pattern.needed) + len(pattern.headers),
                pattern.literal,
                len(keys & pattern.known),
                -len(keys - pattern.known),
                int(not pattern.deprecated),
                -rank,
            )
            if best is None or score > best[0]:
                labels = {pattern.labels[group]: text for group, text in found.groupdict().items()}
                best = (score, service, pattern, labels)
    if best is None:
        raise NoRouteError(f"{request.method} {request.target}, signed as {signing_name or 'nobody'}")
    _, service, pattern, labels = best
    operation = models.operation_model(service.name, pattern.operation)
    xml = service.protocol == "rest-xml"
    return Route(service.name, operation, rest_params(operation, labels, query, request.headers, request.body, xml=xml))


@lru_cache(maxsize=512)
def _patterns(service: str) -> dict[str, tuple[_Pattern, ...]]:
    """The REST patterns of *service* by HTTP method."""
    found: dict[str, list[_Pattern]] = {}
    for name in models.service_model(service).operation_names:
        operation = models.operation_model(service, name)
        found.setdefault(operation.http["method"], []).append(_pattern(operation))
    return {method: tuple(patterns) for method, patterns in found.items()}


def _pattern(operation: OperationModel) -> _Pattern:
    path, _, query = operation.http["requestUri"].partition("?")
    labels: dict[str, str] = {}
    expression = ""
    for part in re.split(r"(\{[^}]+\})", path):
        if not part.startswith("{"):
            expression += re.escape(part)
            continue
        group = f"label{len(labels)}"
        labels[group] = part[1:-1].removesuffix("+")
        expression += f"(?P<{group}>.+)" if part.endswith("+}") else f"(?P<{group}>[^/]+)"
    members = operation.input_shape.members if operation.input_shape else {}
    required = set(operation.input_shape.required_members) if operation.input_shape else set()
    located = [
        (name in required, member.serialization["location"], member.serialization.get("name", name))
        for name, member in members.items()
        if "location" in member.serialization
    ]
    fixed = frozenset(parse_qsl(query, keep_blank_values=True))
    return _Pattern(
        operation=operation.name,
        path=re.compile(expression),
        labels=labels,
        fixed=fixed,
        needed=frozenset(own for must, location, own in located if must and location == "querystring"),
        headers=frozenset(own.lower() for must, location, own in located if must and location == "header"),
        known=frozenset(own for _, location, own in located if location == "querystring") | frozenset(key for key, _ in fixed),
        literal=len(re.sub(r"\{[^}]+\}", "", path)),
        deprecated=operation.deprecated,
    )
