"""What AWS's models and tables say about the operations of one service, as a draft of its spec asks it."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from collector.spec import facts
from collector.spec.api import Node, UnknownPathError, answer, paginators, service_model, taken, unruled_tokens
from collector.spec.calls import READS, refusals
from collector.spec.drafting.words import noun_of, plain, singular
from collector.spec.drafting.written import Table, Unsure
from collector.spec.model import Call

_FEW = 16
"""So many fixed words of a required parameter can be asked in turn."""
_WHY = "TODO: what only it returns, and that this is no secret and no customer's data."
_ABSENT = re.compile(r"NotFound|NoSuch|DoesNotExist|Non[Ee]xist")
NOT_ITEMS = re.compile(r"fail|error|unprocessed|warning|token", re.IGNORECASE)
"""Members of an answer that hold no items but what went wrong with some, or where the next page begins."""
ABOUT_TAGS = re.compile(r"Tag(s\b|s[A-Z]|ging|$)")
"""Names of operations that read tags and list nothing else."""
_PAGE_SIZE = re.compile(r"(max_?(results|items|records)|limit|page_?size)\Z", re.IGNORECASE)
_MORE = re.compile(r"(is_?truncated|has_?more)", re.IGNORECASE)


class Operations:
    """The operations of *service*: ``reads`` are those that may be called, ``prefix`` is the IAM prefix of most of them."""

    def __init__(self, service: str) -> None:
        self.service, self.model = service, service_model(service)
        self.reads = [name for name in self.model.operation_names if name.startswith(READS) and not self.refusal(name)]
        self.prefix = self._prefix()

    def _prefix(self) -> str:
        """The IAM prefix of most reads."""
        known = [facts.actions_for(self.service, name) for name in self.reads]
        prefixes = [action.partition(":")[0] for fact in known if fact is not None for action in fact.actions]
        return max(sorted(set(prefixes)), key=prefixes.count, default=self.service)

    def refusal(self, operation: str) -> str | None:
        """Why *operation* must not be called, if so."""
        fact = facts.actions_for(self.service, operation)
        action = fact.actions[0] if fact and fact.actions else ""
        return next(refusals(Call(self.service, operation, action, why="asked below")), None)

    def required(self, operation: str) -> list[str]:
        shape = self.model.operation_model(operation).input_shape
        return [name for name in shape.required_members if not shape.members[name].metadata.get("idempotencyToken")] if shape else []

    def fixed(self, operation: str) -> Table:
        """The required parameters that are the same for every item: the account, and how much to put into a page."""
        asked = self.asked(operation)
        sizes = {name: asked[name].shape for name in self.required(operation) if _PAGE_SIZE.match(name)}
        fixed: Table = {name: int(shape.metadata.get("max", 100)) for name, shape in sizes.items() if shape and shape.type_name != "string"}
        return fixed | {name: "{account_id}" for name in self.required(operation) if plain(name) in ("accountid", "awsaccountid")}

    def open(self, operation: str) -> list[str]:
        """The required parameters that must come from somewhere."""
        fixed = self.fixed(operation)
        return [name for name in self.required(operation) if name not in fixed]

    def asked(self, operation: str) -> dict[str, Node]:
        return _members_asked(self.service, operation)

    def answered(self, operation: str) -> dict[str, Node]:
        return answer(self.model.operation_model(operation)).members()

    def words(self, operation: str, parameter: str) -> list[str]:
        """The few words that a parameter may be; none when it is free."""
        words = list(getattr(self.asked(operation)[parameter].shape, "enum", None) or ())
        return words if len(words) <= _FEW else []

    def items(self, operation: str) -> tuple[str, Node] | None:
        """(take, item) of a call that lists, or None when its answer holds no list."""
        whole = answer(self.model.operation_model(operation))
        found = []
        for path in self._list_paths(operation, whole):
            try:
                node = taken(path, whole)
            except UnknownPathError:
                continue
            if node.is_list() and not NOT_ITEMS.search(path):
                found.append((f"{path}[]", node.items()))
        if not found:
            return None
        noun = noun_of(operation)
        found.sort(key=lambda pair: (not pair[1].is_object(), listed_in(pair[0]) != noun))
        take, item = found[0]
        for name, node in item.members().items():
            if node.is_list() and node.items().is_object() and plain(singular(name)) == noun != listed_in(take):
                return f"{take}.{name}[]", node.items()
        return take, item

    def _list_paths(self, operation: str, whole: Node) -> list[str]:
        """Where the lists of an answer may lie: where botocore pages, else at its top, else one step below."""
        known = paginators(self.service).get(operation, {}).get("result_key", [])
        below = whole.members()
        noun = noun_of(operation)
        paths = [known] if isinstance(known, str) else list(known)
        if paths:
            return paths + [name for name, node in below.items() if node.is_list() and name not in paths and plain(name).startswith(noun)]
        return [name for name, node in below.items() if node.is_list()] or [
            f"{name}.{inner}" for name, node in below.items() for inner, each in node.members().items() if each.is_list()
        ]

    def call(self, operation: str, params: Mapping[str, Any], take: str, *, absent: bool = True) -> Table:
        """The table of a call, all but what is redacted."""
        model = self.model.operation_model(operation)
        call: Table = {"call": operation}
        call |= {"params": dict(params)} if params else {}
        call |= {"take": take} if take != "@" else {}
        codes = {error.metadata.get("error", {}).get("code") or error.name for error in model.error_shapes if _ABSENT.search(error.name)}
        call |= {"absent": sorted(codes)} if absent and codes else {}
        if tokens := unruled_tokens(model):
            more = next((name for name in answer(model).members() if _MORE.match(name)), None)
            call["page"] = {"input": tokens[0], "output": tokens[1] or self._last_item(operation, tokens[0])} | (
                {"more": more} if more else {}
            )
        fact = facts.actions_for(self.service, operation)
        if fact and f"{self.prefix}:{operation}" not in fact.actions:
            call["action"] = fact.actions[0]
        care = facts.denied(fact.actions[0]) if fact else None
        if care is not None and care.tier == "review":
            call["call"] = Unsure(operation, f"TODO: wanted? {care.why}")
        return call | ({"why": _WHY} if operation.startswith(("Get", "BatchGet")) else {})

    def _last_item(self, operation: str, token: str) -> str:
        """Where the last item of an answer says what *token* must be: ``ExclusiveStartTagKey`` -> ``Tags[-1].Key``."""
        wanted = plain(token).removeprefix("exclusivestart")
        for name, node in self.answered(operation).items():
            if node.is_list() and node.items().is_text() and plain(singular(name)) == wanted:
                return f"{name}[-1]"
            for member in node.items().members() if node.is_list() else ():
                if wanted.endswith(plain(member)):
                    return f"{name}[-1].{member}"
        return "TODO"

    def whole(self, operation: str) -> tuple[str, Node]:
        """(take, node) of a call for one item: the member of its answer that is the item, or all of it."""
        whole = answer(self.model.operation_model(operation))
        below = {name: node for name, node in whole.members().items() if not NOT_ITEMS.search(name)}
        named = [name for name, node in below.items() if len(below) == 1 or (plain(name) == noun_of(operation) and node.is_object())]
        return (named[0], below[named[0]]) if named else ("@", whole)


@cache
def _members_asked(service: str, operation: str) -> dict[str, Node]:
    return Node(service_model(service).operation_model(operation).input_shape).members()


def listed_in(take: str) -> str:
    """What the list that *take* ends with holds, as names are compared: ``hostedzone``."""
    return plain(singular(take.rpartition(".")[2].removesuffix("[]")))
