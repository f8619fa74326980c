"""botocore's models, loaded once per process: which services share a signing name, and what each can do."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

_loader = Loader()
_METADATA = '"metadata":'
# The metadata object stands at the start of each model file; the largest is under 2 KB.
_HEAD = 16_384

# Signing names that endpoint rules put in place of the model's own (botocore endpoint-rule-set-1, authSchemes).
ALIASES = {
    "s3express": ("s3", "s3control"),
    "s3-outposts": ("s3", "s3control", "s3outposts"),
    "s3-object-lambda": ("s3",),
}


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What routing needs of a model, without loading it."""

    name: str
    signing_name: str
    protocol: str
    api_version: str
    target_prefix: str


def _metadata(name: str) -> dict[str, Any]:
    version = _loader.determine_latest_version(name, "service-2")
    for root in _loader.search_paths:
        base = Path(root) / name / version / "service-2.json"
        packed = base.with_name("service-2.json.gz")
        if packed.exists():
            with gzip.open(packed, "rt", encoding="utf-8") as file:
                head = file.read(_HEAD)
        elif base.exists():
            with base.open(encoding="utf-8") as file:
                head = file.read(_HEAD)
        else:
            continue
        start = head.index(_METADATA) + len(_METADATA)
        found: dict[str, Any] = json.JSONDecoder().raw_decode(head[start:].lstrip())[0]
        return found
    raise LookupError(f"no model file of {name} in {_loader.search_paths}")


@lru_cache(maxsize=1)
def all_services() -> tuple[ServiceFacts, ...]:
    """Every service of this botocore, sorted by name."""
    services = []
    for name in sorted(_loader.list_available_services("service-2")):
        known = _metadata(name)
        protocol = "json" if "json" in known.get("protocols", ()) else known["protocol"]
        services.append(
            ServiceFacts(
                name=name,
                signing_name=known.get("signingName") or known["endpointPrefix"],
                protocol=protocol,
                api_version=known["apiVersion"],
                target_prefix=known.get("targetPrefix", ""),
            )
        )
    return tuple(services)


@lru_cache(maxsize=1)
def by_name() -> dict[str, ServiceFacts]:
    """Services by their boto3 name."""
    return {service.name: service for service in all_services()}


@lru_cache(maxsize=1024)
def signed_as(signing_name: str) -> tuple[ServiceFacts, ...]:
    """The services whose requests are signed with *signing_name*; several, when they share it."""
    if signing_name in ALIASES:
        return tuple(by_name()[name] for name in ALIASES[signing_name])
    return tuple(service for service in all_services() if service.signing_name == signing_name)


@lru_cache(maxsize=512)
def service_model(name: str) -> ServiceModel:
    """The model of a boto3 service."""
    return ServiceModel(_loader.load_service_model(name, "service-2"), name)


@lru_cache(maxsize=16384)
def operation_model(service: str, operation: str) -> OperationModel:
    """One operation's model; kept, because its shapes keep what they have resolved."""
    return service_model(service).operation_model(operation)


@lru_cache(maxsize=512)
def paginators(service: str) -> dict[str, dict[str, Any]]:
    """botocore's paginators of a service by operation; empty when it ships none."""
    try:
        found: dict[str, dict[str, Any]] = _loader.load_service_model(service, "paginators-1")["pagination"]
    except (UnknownServiceError, botocore.exceptions.DataNotFoundError):
        return {}
    return found
