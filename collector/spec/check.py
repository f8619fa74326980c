"""Do the specs hold? Each is compared, offline, with AWS's own models and with what is known about IAM actions and secrets."""

import gc
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from collector.errors import SpecError
from collector.spec import facts
from collector.spec.api import (
    UNKNOWN,
    Node,
    UnknownPathError,
    answer,
    at,
    service_model,
    service_names,
    taken,
)
from collector.spec.calls import call_problems
from collector.spec.metered import metric_problems, record_node
from collector.spec.model import Call, Resource, Service
from collector.spec.reader import read_specs
from collector.spec.unique import is_everybodys, lacks
from collector.spelling import did_you_mean
from collector.template import ARN_PARTS, parsed, references

EVERYWHERE = frozenset({"partition", "account_id", "region"})
_BRACES = re.compile(r"\{[^{}]*\}")
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_TYPE = re.compile(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+\Z")


def check(services: Mapping[str, Service], only: Iterable[str] | None = None) -> list[str]:
    """One line for each thing that does not hold, in the order of the files; an empty list when all is well."""
    names = list(services) if only is None else list(only)
    problems: list[str] = []
    with _uncollected():
        for name in names:
            for place, what in _service_problems(services[name]):
                problems.append(f"{name}.toml{f' [{place}]' if place else ''}: {what}")
    return problems + _twice(services)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: AWS's models are millions of objects without a cycle, and looking for one takes half of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def checked_specs(folders: Iterable[Path] = ()) -> dict[str, Service]:
    """Every service by name, as ``read_specs`` gives it. The user's own specs are checked first, for nobody else has: what does not hold is
    refused before anything is asked, above all a call that is no read. Raises SpecError.
    """
    folders = tuple(folders)
    services = read_specs(folders)
    theirs = sorted({file.stem for folder in folders for file in folder.glob("*.toml")})
    problems = check(services, theirs) if theirs else []
    if problems:
        raise SpecError(problems)
    return services


def _twice(services: Mapping[str, Service]) -> list[str]:
    first: dict[str, str] = {}
    problems = []
    for service in services.values():
        for resource in service.resources.values():
            here = f"{service.name}.toml [{resource.key}]"
            if resource.type in first:
                problems.append(f"{here}: {resource.type} is specified twice, first in {first[resource.type]}")
            first.setdefault(resource.type, here)
    return problems


def _service_problems(service: Service) -> Iterator[tuple[str, str]]:
    if service.name not in service_names():
        yield "", f'botocore knows no service "{service.name}"{did_you_mean(service.name, service_names())}'
        return
    items: dict[str, Node] = {}
    for resource in service.resources.values():
        yield from _ResourceCheck(service, resource, items).problems()


class _ResourceCheck:
    """The checks of one resource. *items* remembers the item of each resource of the file, for its children."""

    def __init__(self, service: Service, resource: Resource, items: dict[str, Node]) -> None:
        self.service, self.resource, self.items = service, resource, items

    def problems(self) -> Iterator[tuple[str, str]]:
        resource = self.resource
        yield from ((resource.key, what) for what in self._type())
        calls = {"list": resource.list}
        if resource.describe:
            calls["describe"] = resource.describe
        if isinstance(resource.tags, Call):
            calls["tags"] = resource.tags
        calls |= {f"get.{name}": call for name, call in resource.get.items()}
        for name, call in calls.items():
            yield from ((f"{resource.key}.{name}", what) for what in call_problems(call))
            yield from ((f"{resource.key}.{name}", what) for what in self._references(name, call))
        yield from ((resource.key, what) for what in self._fields())
        yield from ((f"{resource.key}.metrics", what) for what in self._metrics())

    def _type(self) -> Iterator[str]:
        resource = self.resource
        if not _KEY.match(resource.key):
            yield "a resource's name is lower-case letters, digits and underscores"
        if not _TYPE.match(resource.type):
            yield f'type "{resource.type}" is not of the form AWS::Service::Thing'
        elif resource.ours and resource.type in facts.type_names():
            yield f'{resource.type} is CloudFormation\'s own name: "ours" must go'
        elif not resource.ours and resource.type not in facts.type_names():
            meant = did_you_mean(resource.type, facts.type_names())
            yield f'CloudFormation knows no type "{resource.type}"{meant}; if the name is ours, say ours = true'

    def _listed(self, resource: Resource) -> Node:
        return _item(resource.list)

    def _current(self, resource: Resource) -> Node:
        """The item as templates see it: after the description, when there is one."""
        if resource.key not in self.items:
            self.items[resource.key] = _item(resource.describe) if resource.describe else _item(resource.list)
        return self.items[resource.key]

    def _references(self, name: str, call: Call) -> Iterator[str]:
        resource = self.resource
        before = name == "list"
        item = None if before else self._listed(resource) if name == "describe" else self._current(resource)
        for source in (call.params, *((call.of,) if call.batch else ())):
            for path in references(source):
                if path == ("batch",):
                    if call.batch is None:
                        yield '"{batch}" is used but "batch" says no number'
                else:
                    yield from self._reference(path, item, call)
        if call.over and not before:
            yield '"over" is for list'
        for pattern in call.resources:
            if not pattern.startswith("arn:*:") or pattern.count(":") < 5:
                yield f'resources: "{pattern}" must be an ARN pattern that starts with "arn:*:"'
        if call.batch is not None:
            if before or name.startswith("get."):
                yield '"batch" is for describe and tags'
            if ("batch",) not in set(references(call.params)):
                yield '"batch" is said but no parameter is "{batch}"'
            if name == "tags":
                made = _item(call).made
                if made is None or set(made) != {"key", "value"}:
                    yield "a batch of tags is joined by value: take must give {key: …, value: …}"

    def _fields(self) -> Iterator[str]:
        resource, item = self.resource, self._current(self.resource)
        for key in ("arn", "id", "name", "created", "state", "region"):
            template = getattr(resource, key)
            if template is None:
                continue
            if "{" not in template:
                yield f'{key} = "{template}" is the same for every item'
            elif "{" in _BRACES.sub("", template) or "}" in _BRACES.sub("", template):
                yield f'{key} = "{template}": a brace has no partner'
            for path in references(template):
                yield from (f"{key}: {what}" for what in self._reference(path, item, resource.list, field=key))
        if resource.arn and not (resource.arn.startswith("arn:{partition}:") or len(parsed(resource.arn)) == 1):
            yield f'arn = "{resource.arn}" must start with "arn:{{partition}}:" or be one reference'
        yield from self._identity_problems()
        if isinstance(resource.tags, str):
            try:
                taken(resource.tags, item)
            except UnknownPathError as error:
                yield f"tags: {error}{did_you_mean(error.name, error.known)}"
        yield from self._volatile(item)

    def _volatile(self, item: Node) -> Iterator[str]:
        """A field lies in the item or, after ``supplementary.``, in the answer of a further call."""
        get = self.resource.get
        for field in self.resource.volatile:
            first, _, path = field.partition(".")
            name, _, below = path.partition(".")
            if first == "supplementary" and name not in get:
                yield f'volatile {field}: no get is called "{name}"{did_you_mean(name, get)}'
                continue
            try:
                at(*((below, _whole(get[name])) if first == "supplementary" else (field, item)))
            except UnknownPathError as error:
                yield f"volatile {field}: {error}{did_you_mean(error.name, error.known)}"

    def _identity_problems(self) -> Iterator[str]:
        """What is the same in another account or region would be taken for the same thing there."""
        resource = self.resource
        if resource.arn and is_everybodys(resource.arn):
            yield f'arn = "{resource.arn}" is the same in every account: leave it out'
        if lacking := lacks(resource.id, resource.scope):
            yield f'id = "{resource.id}" may be the same in another {lacking.removesuffix("_id")}: put {{{lacking}}} into it'

    def _metrics(self) -> Iterator[str]:
        if not self.resource.metrics:
            return
        item = self._current(self.resource)
        record = record_node(item, {name: _whole(call) for name, call in self.resource.get.items()})
        for metrics in self.resource.metrics:
            yield from metric_problems(metrics, record, item, self._in_record)

    def _in_record(self, path: tuple[str, ...], item: Node) -> Iterator[str]:
        return self._reference(path, item, self.resource.list, field="metrics")

    def _reference(self, path: tuple[str, ...], item: Node | None, call: Call, field: str = "") -> Iterator[str]:
        """The problem of one ``{reference}``, if it has one. *item* is None before anything was listed."""
        text = "{" + ".".join(path) + "}"
        first, rest = path[0], path[1:]
        if first in EVERYWHERE:
            if rest:
                yield f"{text}: {first} has no members"
            return
        if first == "over":
            if not rest or rest[0] not in {**self.resource.list.over, **call.over}:
                yield f'{text}: "over" names no such member'
            return
        if first == "parent":
            yield from self._parent_reference(self.resource, rest, text)
            return
        if item is None:
            yield f"{text}: nothing is listed yet; known here: {{partition}} {{account_id}} {{region}} {{parent.…}}"
            return
        if first == "tags" and field == "name":
            return
        if first == "arn" and self.resource.arn and field != "arn":
            if rest not in ((), ("name",), ("id",), ("resource",)):
                yield f"{text}: an ARN has .name, .id and .resource"
            return
        source = self.resource.list if call is self.resource.describe else self.resource.describe or self.resource.list
        if first == "listed":
            if self.resource.describe and self.resource.describe.batch:
                yield f"{text}: after a batch it is not known which listed item this was"
            item, first, source = self._listed(self.resource), "item", self.resource.list
        below = rest if first == "item" else path
        yield from _in_item(below, item, text, plain=bool(field))
        yield from _hidden(below, source, text)

    def _parent_reference(self, resource: Resource, rest: tuple[str, ...], text: str) -> Iterator[str]:
        if resource.parent is None:
            yield f"{text}: this resource has no parent"
            return
        if not rest:
            yield f"{text}: say which member, or {{parent.item}}"
            return
        parent = self.service.resources[resource.parent]
        if rest[:1] == ("parent",):
            yield from self._parent_reference(parent, rest[1:], text)
        elif rest[:1] == ("arn",) and parent.arn:
            return
        elif rest[:1] == ("over",):
            if not rest[1:] or rest[1] not in parent.list.over:
                yield f'{text}: "over" of the parent names no such member'
        elif rest[:1] == ("listed",):
            yield from _in_item(rest[1:], self._listed(parent), text)
            yield from _hidden(rest[1:], parent.list, text)
        else:
            below = rest[1:] if rest[:1] == ("item",) else rest
            yield from _in_item(below, self._current(parent), text)
            yield from _hidden(below, parent.describe or parent.list, text)


def _item(call: Call) -> Node:
    """One item of *call*."""
    return _whole(call).items()


def _whole(call: Call) -> Node:
    """What *call* takes from an answer; unknown when the call itself does not hold, which is reported elsewhere."""
    try:
        return taken(call.take, answer(service_model(call.service).operation_model(call.operation)))
    except Exception as error:
        if isinstance(error, UnknownPathError) or type(error).__name__ == "OperationNotFoundError":
            return UNKNOWN
        raise


def _hidden(path: tuple[str, ...], source: Call, text: str) -> Iterator[str]:
    """The problem of a reference to what *source* redacts, if it does: all items would be filled with the same word."""
    names = {".".join(path[:length]) for length in range(1, len(path) + 1)} | {".".join((*path[:-1], "*")), "@"}
    if names & set(source.redact):
        yield f"{text}: {source.operation} redacts it, so nothing can be filled from it"


def _in_item(path: tuple[str, ...], item: Node, text: str, *, plain: bool = False) -> Iterator[str]:
    if path and path[-1] in ARN_PARTS:
        with suppress(UnknownPathError):
            if at(".".join(path[:-1]), item).is_text():
                return
    try:
        for name in path:
            if item.is_list():
                yield f"{text}: a list lies on the way; braces cannot choose among its elements"
                return
            item = item.member(name)
    except UnknownPathError as error:
        yield f"{text}: {error}{did_you_mean(error.name, error.known)}"
        return
    if plain and (item.is_object() or item.is_list()):
        yield f"{text} is {'a list' if item.is_list() else 'an object'}, and a record's field is text"
