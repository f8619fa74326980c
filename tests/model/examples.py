"""botocore's own example answers (`examples-1.json`), read through the specs: what they become is kept in `golden/`.

An example goes over the wire as AWS would send it: it is serialised in the service's protocol and read by botocore's parser, behind the
collector's real gateway. What has no example but lies on the way to one (the list before a description) is made up; what has none and leads
to nothing answers with the error NoExample.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel
from botocore.utils import parse_timestamp

from collector.record import ResourceRecord
from collector.spec.api import UnknownPathError, at, item_of, service_model
from collector.spec.model import Call, Resource, Service
from collector.template import references
from tests.model.in_process import gateway_to, read_families, synthetic
from tests.model.ring import calls_of, settings_for
from tests.synthetic import wire
from tests.synthetic.answer import Answer
from tests.synthetic.paging import finish, rule_for
from tests.synthetic.route import Route
from tests.synthetic.server import Server

GOLDEN = Path(__file__).with_name("golden")
NO_EXAMPLE = "NoExample"
KEPT = (
    "arn",
    "configuration",
    "created_at",
    "name",
    "parent_arn",
    "region",
    "resource_id",
    "resource_type",
    "state",
    "supplementary",
    "tags",
)
"""What of a record is compared: all that does not depend on when and where it was read."""


@cache
def examples_of(service: str) -> Mapping[str, Mapping[str, Any]]:
    """The first example answer that says anything, of each operation of *service* that has one."""
    try:
        examples = Loader().load_service_model(service, "examples-1")["examples"]
    except (DataNotFoundError, UnknownServiceError):
        return {}
    telling = {name: [each["output"] for each in several if any((each.get("output") or {}).values())] for name, several in examples.items()}
    return {name: outputs[0] for name, outputs in telling.items() if outputs}


def spec_examples(service: Service) -> frozenset[str]:
    """The operations of *service* that a spec names and botocore has an example of."""
    return frozenset(call.operation for _, call in calls_of(service)) & set(examples_of(service.name))


def shaped(value: Any, shape: Any) -> Any:
    """*value*, as JSON has it, as *shape* has it; what the shape does not know is left out."""
    kind = shape.type_name
    if kind == "structure":
        return (
            value
            if shape.is_document_type
            else {name: shaped(value[name], each) for name, each in shape.members.items() if value.get(name) is not None}
        )
    if kind == "list":
        return [shaped(each, shape.member) for each in value]
    if kind == "map":
        return {key: shaped(each, shape.value) for key, each in value.items()}
    if kind == "timestamp":
        return parse_timestamp(value)
    if kind == "blob":
        return str(value).encode()
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return value in (True, "true", "True")
    return value if isinstance(value, str) else json.dumps(value)


class ExampleServer(Server):
    """Answers with botocore's examples; *used* are the operations of which one was given."""

    def __init__(self, service: Service) -> None:
        super().__init__(replace(settings_for(service), items=1, pages=1, nested=1, canaries=frozenset()))
        self.examples = {name: output for name, output in examples_of(service.name).items() if name in spec_examples(service)}
        self.on_the_way = {call.operation for each in service.resources.values() for call in (each.list, each.describe) if call is not None}
        self.used: set[str] = set()
        self.identities = [
            place for each in service.resources.values() if _content(each).operation in self.examples for place in _identity_places(each)
        ]

    def answer(self, found: Route) -> Answer:
        example = self.examples.get(found.operation.name)
        if example is None:
            return super().answer(found)
        self.used.add(found.operation.name)
        return Answer(found.service, found.operation, self._values(found.service, found.operation, example), (), frozenset(), None)

    def _values(self, service: str, operation: OperationModel, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example as the last page: every call for another page would be given the same one."""
        values: dict[str, Any] = shaped(example, operation.output_shape)
        rule = rule_for(self.settings, service, operation)
        if rule is not None:
            shape: Any = operation.output_shape
            finish(rule, shape, values, "", None)
        for name, path in self.identities:
            if name == operation.name:
                _identify(values, path, service)
        return values

    def reply(self, found: Route) -> wire.Reply:
        name = found.operation.name
        if name not in self.examples and name not in self.on_the_way:
            return wire.error_reply(found.service, NO_EXAMPLE, 400, "botocore has no example of it")
        return super().reply(found)


async def read_examples(service: Service) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The golden records of *service*, each once, and the operations whose examples are in them."""
    server = ExampleServer(service)
    by_type = {resource.type: resource for resource in service.resources.values()}
    families = list(service.families())
    async with gateway_to(synthetic(server.respond), [call for family in families for call in family.calls()]) as gateway:
        records, _ = await read_families(families, gateway)
    lines = {
        golden_line(by_type[type], record, server.examples)
        for type, found in records.items()
        if _has_example(by_type[type], server.examples)
        for record in found
    }
    return [json.loads(line) for line in sorted(lines)], frozenset(server.used)


def _identity_places(resource: Resource) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(operation, path from the answer's root) of each member that the identity of *resource* is made of."""
    call = _content(resource)
    item = item_of(call.take, service_model(call.service).operation_model(call.operation))
    for path in references([resource.arn or "", resource.id]):
        with suppress(UnknownPathError):
            place = at(".".join(path[1:] if path[0] == "item" else path), item)
            if place.is_text() and place.origin:
                yield call.operation, place.origin


def _identify(value: Any, path: tuple[str, ...], service: str) -> None:
    """Make up what lies at *path* where an example does not say it: many are older than the member that is the resource's identity."""
    if isinstance(value, list):
        for each in value:
            _identify(each, path, service)
    elif isinstance(value, dict) and len(path) == 1 and path[0] not in value:
        told = zlib.crc32(repr(value).encode())
        value[path[0]] = (
            f"arn:aws:{service}:eu-west-1:111122223333:made-up/{told}" if path[0].lower().endswith("arn") else f"made-up-{told}"
        )
    elif isinstance(value, dict):
        _identify(value.get(path[0]), path[1:], service)


def _has_example(resource: Resource, examples: Mapping[str, Any]) -> bool:
    return any(call.operation in examples for call in resource.calls())


def _content(resource: Resource) -> Call:
    return resource.describe or resource.list


def golden_line(resource: Resource, record: ResourceRecord, examples: Mapping[str, Any]) -> str:
    """One record as it stands in `golden/`. A configuration that was made up on the way to an example says nothing and is left out."""
    kept = {name: getattr(record, name) for name in KEPT}
    if _content(resource).operation not in examples:
        kept["configuration"] = None
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)


def golden_text(records: Sequence[Mapping[str, Any]]) -> str:
    """A golden file: a JSON list, one record a line."""
    lines = ",\n".join(json.dumps(record, sort_keys=True, ensure_ascii=False) for record in records)
    return f"[\n{lines}\n]\n"


def with_examples(services: Mapping[str, Service]) -> Iterator[Service]:
    """The services of which botocore has an example that a spec can use."""
    return (service for service in services.values() if spec_examples(service))
