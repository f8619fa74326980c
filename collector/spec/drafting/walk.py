"""Which resources of a service are drafted: what its list calls give, then what lists under these give."""

from collections.abc import Iterator
from typing import Any

from collector.spec.api import Node, answer
from collector.spec.drafting.drafted import Drafted
from collector.spec.drafting.fields import fields_of
from collector.spec.drafting.item_calls import description_of
from collector.spec.drafting.operations import ABOUT_TAGS, Operations
from collector.spec.drafting.words import is_plural, key_of, noun_of
from collector.spec.drafting.written import Table, Unsure

_DEEPEST = 2
"""How many parents a draft puts above one another; what lies deeper needs more than one identifier."""


def resources(calls: Operations, wanted: tuple[str, ...]) -> list[Drafted]:
    """Every resource to be had from a list call that needs nothing, or only what such a call gives, and from those *wanted* whatever they
    need. Each has its list, what completes it and its fields, and stands before what lies under it.
    """
    walk = _Walk(calls, wanted)
    walk.roots()
    walk.children()
    walk.rest()
    return list(walk.families())


class _Walk:
    """The resources found so far, by key."""

    def __init__(self, calls: Operations, wanted: tuple[str, ...]) -> None:
        self.calls, self.wanted = calls, wanted
        self.resources: dict[str, Drafted] = {}

    def roots(self) -> None:
        """Every list call that needs nothing, or only one of a few fixed words. Of two that list the same, the one that says more."""
        candidates = [
            name
            for name in self.calls.reads
            if (is_plural(name) or name in self.wanted)
            and not ABOUT_TAGS.search(name)
            and not self.calls.model.operation_model(name).deprecated
            and all(self.calls.words(name, member) for member in self.calls.open(name))
        ]
        said = {name: len(items[1].members()) for name in candidates if (items := self.calls.items(name))}
        for name in sorted(said, key=lambda name: (name not in self.wanted, name.startswith("Get"), -said[name], name)):
            self._add(name)
        self.resources = dict(sorted(self.resources.items()))

    def children(self) -> None:
        """List calls whose one required parameter is the identifier of something that is listed already; mere names only if *wanted*."""
        waiting = list(self.resources.values())
        lists = [name for name in self.calls.reads if len(self.calls.open(name)) == 1 and not ABOUT_TAGS.search(name) and is_plural(name)]
        while waiting:
            parent = waiting.pop(0)
            self._describe(parent)
            if len(list(parent.line())) > _DEEPEST:
                continue
            for name in lists:
                (parameter,) = self.calls.open(name)
                reference = parent.reference_in_child(parameter)
                asked_for = name in self.wanted and all(each.operation != name for each in self.resources.values())
                child = self._add(name, parent, {parameter: reference}, asked_for=asked_for) if reference else None
                if child:
                    waiting.append(child)

    def rest(self) -> None:
        """Those *wanted* that are neither."""
        listed = {each.operation for each in self.resources.values()}
        for operation in dict.fromkeys(self.wanted):
            if operation not in listed and (made := self._add(operation, asked_for=True)):
                self._describe(made)

    def families(self, parent: Drafted | None = None) -> Iterator[Drafted]:
        """Every resource, each before what lies under it."""
        for each in self.resources.values():
            if each.parent is parent:
                yield each
                yield from self.families(each)

    def _add(
        self, operation: str, parent: Drafted | None = None, params: Table | None = None, *, asked_for: bool = False
    ) -> Drafted | None:
        """The resource that *operation* lists, unless it is there or has nothing to be known by. *asked_for*: whatever it gives."""
        key = key_of(operation)
        take, item = self.calls.items(operation) or ("@", answer(self.calls.model.operation_model(operation)))
        made = Drafted(key, noun_of(operation), operation, item, {}, parent)
        is_known = item.is_text() and not getattr(item.shape, "enum", None) and (parent is None or "arn" in take.lower())
        useful = take != "@" and (made.texts() or is_known)
        if not asked_for and (not useful or key in self.resources):
            return None
        while made.key in self.resources:
            made.key += "_too"
        params = self.calls.fixed(operation) | (params or {})
        made.table = {"list": self.calls.call(operation, params, take, absent=parent is not None)}
        missing = [name for name in self.calls.required(operation) if name not in params]
        if over := {name: words for name in missing if (words := self.calls.words(operation, name))}:
            made.table["list"]["over"] = Unsure(over, "TODO: which of these?")
        if unknown := {name: _placeholder(self.calls.asked(operation)[name]) for name in missing if name not in over}:
            made.table["list"]["params"] = Unsure(params | unknown, "TODO: what to ask for")
        made.table |= {"parent": parent.key} if parent else {}
        self.resources[made.key] = made
        return made

    def _describe(self, thing: Drafted) -> None:
        """Put what completes *thing*, and its fields, into its table."""
        if described := description_of(thing, self.calls):
            thing.table["describe"], thing.item = described
        thing.table |= fields_of(thing, self.calls)


def _placeholder(node: Node) -> Any:
    """Something of the kind that a parameter must be, for a person to replace."""
    if node.is_list():
        return [_placeholder(node.items())]
    if node.is_object():
        return {}
    if node.is_text():
        return next(iter(getattr(node.shape, "enum", None) or ()), "TODO")
    return getattr(node.shape, "type_name", "") == "boolean" or 1
