"""What `seeds.toml` puts into moto."""

import json
import tomllib
from pathlib import Path
from typing import Any

import boto3
import jmespath
from botocore import xform_name
from botocore.config import Config
from botocore.model import ListShape, Shape, StructureShape
from moto.core.models import botocore_stubber

from collector.template import fill_all
from tests.moto.in_process import HERE

SEEDS = Path(__file__).with_name("seeds.toml")
LONG = "long " * 200
"""SAML metadata has at least a thousand letters."""


def seed() -> dict[tuple[str, str], Any]:
    """Make every call of `seeds.toml` as an account's owner would; what each answered, by service and name."""
    known: dict[str, Any] = {"account_id": HERE.account_id, "text": LONG}
    session = boto3.Session("moto", "moto", region_name=HERE.region)
    session.events.register("before-send", botocore_stubber)
    for service, calls in tomllib.loads(SEEDS.read_text(encoding="utf-8")).items():
        client = session.client(service, config=Config(retries={"total_max_attempts": 1}))
        known[service] = {}
        for name, said in calls.items():
            shape = client.meta.service_model.operation_model(said["call"]).input_shape
            members = _as_text(fill_all(said.get("params", {}), known), shape)
            answer = getattr(client, xform_name(said["call"]))(**members)
            known[service][name] = jmespath.search(said.get("take", "@"), answer)
    return {(service, name): answer for service, answers in known.items() if isinstance(answers, dict) for name, answer in answers.items()}


def _as_text(value: Any, shape: Shape) -> Any:
    """*value* with each table that stands where AWS takes text written as JSON."""
    if isinstance(shape, StructureShape):
        return {name: _as_text(each, shape.members[name]) for name, each in value.items()}
    if isinstance(shape, ListShape):
        return [_as_text(each, shape.member) for each in value]
    return json.dumps(value) if shape.type_name == "string" and isinstance(value, dict) else value
