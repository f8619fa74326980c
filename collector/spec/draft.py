"""A first draft of a service's spec: what AWS's models, the action table and the ARN formats know. What a person must decide says TODO.

Guesses are made from names alone; ``_Drafting.holder`` is the heart of it: which member of an item a request's parameter asks for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeGuard

from collector.errors import SettingsError
from collector.spec import facts
from collector.spec.api import Node, answer, at, is_global, service_names, taken
from collector.spec.calls import READS
from collector.spec.check import EVERYWHERE, check
from collector.spec.model import Scope
from collector.spec.operations import NOT_ITEMS, Operations, listed_in
from collector.spec.reader import read_spec
from collector.spec.unique import lacks
from collector.spec.words import camel, is_plural, key_of, noun_of, plain, singular, snake, things
from collector.spec.written import Table, Unsure, lines, resource_text, sure
from collector.spelling import did_you_mean
from collector.template import references

_DEEPEST = 2
"""How many parents a draft puts above one another; what lies deeper needs more than one identifier."""
_TAGS_SHOWN = "Tags are labels."
_TAGS = re.compile(r"tags?(list|set)?\Z", re.IGNORECASE)
_ABOUT_TAGS = re.compile(r"Tag(s\b|s[A-Z]|ging|$)")
_OUR_WORDS = EVERYWHERE | {"arn", "tags", "over", "parent", "batch"}
_NAMING = re.compile(r"(id|arn|name|identifier)\Z", re.IGNORECASE)
_TAGS_OF_ANYTHING = frozenset({"tag", "tagsforresource", "tagsofresource", "resourcetag", "tagging"})
_CREATED = re.compile(r"creat\w*(date|time|at|on|stamp)|(date|time)\w*created", re.IGNORECASE)

_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "arn": ("{noun}arn", "arn"),
    "id": ("{noun}id", "id", "{noun}identifier", "identifier"),
    "name": ("{noun}name", "name", "{noun}"),
    "url": ("{noun}url", "url"),
    "identifier": ("{noun}identifier", "identifier", "{noun}id", "id", "{noun}arn", "arn", "{noun}name", "name"),
    "": ("{noun}", "{noun}name", "name", "{noun}id", "id", "{noun}identifier", "{noun}arn", "arn"),
}
"""What a parameter ends with after the thing's own name, and the members of the thing that may stand for it, best first."""
_OF_ANYTHING: Mapping[str, str] = {
    **dict.fromkeys(("arn", "resource", "resourcearn", "resourcename"), "arn"),
    **dict.fromkeys(("identifier", "resourceid", "resourceidentifier"), "identifier"),
    "id": "id",
    "name": "name",
}
"""Parameters that name nothing in particular, and the suffix that each stands for."""


@dataclass(slots=True)
class _Drafted:
    """A resource as far as it is drafted. *item* is what was listed, then what templates see; *noun* its name as names are compared."""

    key: str
    noun: str
    operation: str
    item: Node
    table: Table
    parent: "_Drafted | None" = None

    def line(self) -> Iterator["_Drafted"]:
        """This and what it lies under, upward."""
        yield self
        if self.parent:
            yield from self.parent.line()

    def kind(self) -> str:
        """Of plain text, what it is: an ``arn``, a ``url``, or nothing that its list's name tells."""
        return next((kind for kind in ("arn", "url") if kind in self.table["list"].get("take", "").rpartition(".")[2].lower()), "")

    def texts(self) -> dict[str, str]:
        """The members that are text, by their names as names are compared."""
        return {plain(name): name for name, node in self.item.members().items() if node.is_text() and name != "*"}


def draft(service: str, operations: tuple[str, ...] = ()) -> str:
    """The text of a spec for *service*: of the list calls *operations* and what they lie under, or of every list call that needs nothing
    and of those that need only what these give.

    What will not hold even when a person has decided stands at the top; so do, where all are drafted, the list calls that must not be made.
    Raises SettingsError for a service or operation that does not exist or must not be called.
    """
    if service not in service_names():
        raise SettingsError(f'botocore knows no service "{service}"{did_you_mean(service, service_names())}')
    drafting = _Drafting(service)
    for operation in operations:
        if operation not in drafting.calls.model.operation_names:
            raise SettingsError(f'{service} has no operation "{operation}"{did_you_mean(operation, drafting.calls.model.operation_names)}')
        if refusal := drafting.calls.refusal(operation):
            raise SettingsError(refusal)
    chosen = drafting.chosen(operations)
    if not chosen:
        raise SettingsError(f"{service} has no list call that needs nothing; name the operations to draft")
    text = drafting.text(chosen)
    problems = check({service: read_spec(service, text.replace('"TODO:', '"Decided:'))})
    notes = [f"# TODO {problem}" for problem in problems] + [f"# Left out: {each}" for each in ([] if operations else drafting.left_out())]
    return "".join(f"{note}\n" for note in notes) + ("\n" if notes else "") + text


class _Drafting:
    """One service being drafted."""

    def __init__(self, service: str) -> None:
        self.service, self.calls = service, Operations(service)
        self.resources: dict[str, _Drafted] = {}
        self.types: set[str] = set()
        self.segment = _type_segment(service, self.calls.prefix, self.calls.model.metadata)

    # --- which resources ---

    def chosen(self, operations: tuple[str, ...]) -> list[_Drafted]:
        """The resources to write, completed: those that *operations* list and what these lie under; all when there are none."""
        self._roots(operations)
        self._children(operations)
        listed = {each.operation for each in self.resources.values()}
        for operation in operations:
            if operation not in listed and (made := self._add(operation, asked_for=True)):
                self._describe(made)
        kept = [each for each in self.resources.values() if not operations or each.operation in operations]
        needed = {step.key for each in kept for step in each.line()}
        chosen = [each for each in self._families() if each.key in needed]
        for each in chosen:
            self._complete(each)
        for each in chosen:
            self._narrow(each)
            self._hide(each, [other.table for other in chosen if other.parent is each])
        return chosen

    def left_out(self) -> Iterator[str]:
        """The list calls that need nothing and must not be made, each with the reason."""
        for name in self.calls.model.operation_names:
            if name.startswith(READS) and is_plural(name) and not self.calls.open(name) and (refusal := self.calls.refusal(name)):
                yield refusal if name in refusal else f"{name}: {refusal}"

    def _families(self, parent: _Drafted | None = None) -> Iterator[_Drafted]:
        """Every resource, each before what lies under it."""
        for each in self.resources.values():
            if each.parent is parent:
                yield each
                yield from self._families(each)

    def _roots(self, wanted: tuple[str, ...]) -> None:
        """Every list call that needs nothing, or only one of a few fixed words. Of two that list the same, the one that says more."""
        candidates = [
            name
            for name in self.calls.reads
            if (is_plural(name) or name in wanted)
            and not _ABOUT_TAGS.search(name)
            and not self.calls.model.operation_model(name).deprecated
            and all(self.calls.words(name, member) for member in self.calls.open(name))
        ]
        said = {name: len(found[1].members()) for name in candidates if (found := self.calls.items(name))}
        for name in sorted(said, key=lambda name: (name not in wanted, name.startswith("Get"), -said[name], name)):
            self._add(name)
        self.resources = dict(sorted(self.resources.items()))

    def _children(self, wanted: tuple[str, ...]) -> None:
        """List calls whose one required parameter is the identifier of something that is listed already; mere names only if *wanted*."""
        waiting = list(self.resources.values())
        lists = [name for name in self.calls.reads if len(self.calls.open(name)) == 1 and not _ABOUT_TAGS.search(name) and is_plural(name)]
        while waiting:
            parent = waiting.pop(0)
            self._describe(parent)
            if len(list(parent.line())) > _DEEPEST:
                continue
            for name in lists:
                (parameter,) = self.calls.open(name)
                reference = self.holder(parameter, parent, by_name=True)
                asked_for = name in wanted and all(each.operation != name for each in self.resources.values())
                child = self._add(name, parent, {parameter: _in_parent(reference)}, asked_for=asked_for) if reference else None
                if child:
                    waiting.append(child)

    def _add(
        self, operation: str, parent: _Drafted | None = None, params: Table | None = None, *, asked_for: bool = False
    ) -> _Drafted | None:
        """The resource that *operation* lists, unless it is there or has nothing to be known by. *asked_for*: whatever it gives."""
        key = key_of(operation)
        take, item = self.calls.items(operation) or ("@", answer(self.calls.model.operation_model(operation)))
        made = _Drafted(key, noun_of(operation), operation, item, {}, parent)
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

    # --- calls for one item ---

    def holder(self, parameter: str, thing: _Drafted | None, *, by_name: bool = False) -> str | None:
        """The reference to what *parameter* asks for in an item of *thing*; None when nothing there can be meant.

        *by_name*: the parameter must name the thing itself (``TopicArn``), not anything (``ResourceArn``).
        """
        if thing is None or (by_name and thing.noun in _OF_ANYTHING):
            return None
        asked = plain(parameter)
        suffix = next((end for end in _SUFFIXES if asked == f"{thing.noun}{end}"), None if by_name else _OF_ANYTHING.get(asked))
        if suffix is None:
            return None
        if thing.item.is_text() and (suffix != "arn" or thing.kind() == "arn"):
            return "{item.name}" if suffix == "name" and thing.kind() else "{item}"
        texts = thing.texts()
        fitting = [texts[name] for form in _SUFFIXES[suffix] if (name := form.format(noun=thing.noun)) in texts]
        if not suffix:
            fitting.sort(key=lambda name: f"/{{{name}}}" not in thing.table.get("arn", ""))
        member = next(iter(fitting), None)
        if member is None and suffix == "arn" and "arn" in thing.table:
            return "{arn}"
        return f"{{{member}}}" if member else None

    def _params(self, operation: str, thing: _Drafted, *, by_name: bool) -> dict[str, str] | None:
        """The parameters of a call for one item; None when a required one is not to be had. *by_name*: one must name the thing."""
        required, fixed = self.calls.open(operation), self.calls.fixed(operation)
        if not required:
            free = sorted(self.calls.asked(operation), key=lambda name: not name.lower().endswith("arn"))
            named = ((name, self.holder(name, thing, by_name=True)) for name in free)
            return next(({name: reference} | fixed for name, reference in named if reference), None)
        if by_name and not any(self.holder(name, thing, by_name=True) for name in required):
            return None
        over = sure(thing.table["list"].get("over", {}))
        given = {
            name: (f"{{over.{name}}}" if name in over else None)
            or self.holder(name, thing, by_name=by_name)
            or _in_parent(self.holder(name, thing.parent, by_name=True))
            for name in required
        }
        return fixed | given if _complete(given) else None

    # --- one resource ---

    def _complete(self, thing: _Drafted) -> None:
        """Tags, Gets and type of *thing*, which take all other resources into account."""
        thing.table |= self._tags(thing)
        if "tags" in thing.table:
            thing.table.setdefault("name", "{tags.Name}")  # as AWS's consoles show it
        thing.table["get"] = self._gets(thing)
        thing.table |= self._type(thing)

    def _describe(self, thing: _Drafted) -> None:
        """What completes *thing*, and its fields."""
        described = self._described(thing) or self._described_in_batches(thing)
        if described:
            thing.table["describe"], thing.item = described
        thing.table |= self._fields(thing)

    def _described(self, thing: _Drafted) -> tuple[Table, Node] | None:
        """The call that completes one item, when it says more, and what it gives."""
        for verb in ("Describe", "Get"):
            for name in self.calls.reads:
                if name == thing.operation or plain(name) not in (plain(verb) + thing.noun + end for end in ("", "detail", "details")):
                    continue
                params = self._params(name, thing, by_name=False)
                take, node = self.calls.whole(name)
                known = set(self._fields(thing)) if thing.item.is_object() else set()
                if params and len(node.members()) > len(thing.item.members()):
                    completed = replace(thing, item=node)
                    if known <= set(self._fields(completed)):
                        return self.calls.call(name, params, take), node
        return None

    def _described_in_batches(self, thing: _Drafted) -> tuple[Table, Node] | None:
        """The call that turns names or ARNs into objects, many at once."""
        for name in self.calls.reads if thing.item.is_text() else ():
            found = self.calls.items(name)
            if name == thing.operation or noun_of(name) != thing.noun or not found or not found[1].is_object():
                continue
            for parameter, node in self.calls.asked(name).items():
                if node.is_list() and node.items().is_text() and self.holder(singular(parameter), thing, by_name=True):
                    call = self.calls.call(name, {parameter: "{batch}"}, found[0])
                    call["batch"] = Unsure(10, "TODO: how many AWS takes at once")
                    failed = next(
                        (each for each in self.calls.answered(name) if NOT_ITEMS.search(each) and "token" not in each.lower()), None
                    )
                    return call | ({"failures": f"{failed}[]"} if failed else {}), found[1]
        return None

    def _fields(self, thing: _Drafted) -> Table:
        """``arn``, ``id``, ``name``, ``created`` and ``state``, as far as names tell."""
        item, noun, texts = thing.item, thing.noun, thing.texts()
        if item.is_text():
            named = {"": "{item}", "url": "{item.name}", "arn": "{arn.name}"}[thing.kind()]
            return ({"arn": "{item}"} if thing.kind() == "arn" else self._arn(thing) or {"id": self._id(thing, "{item}")}) | {"name": named}
        own = [name for low, name in texts.items() if low.endswith("arn") and noun.endswith(low[:-3])]
        fields: Table = {"arn": f"{{{max(own, key=len)}}}"} if own else self._arn(thing)
        if not fields:
            listed = listed_in(thing.table["list"].get("take", ""))
            known = _pick(texts, f"{noun}id", "id", f"{noun}identifier", f"{noun}name", "name", "identifier", listed, f"{listed}id")
            likely = sorted(texts.values(), key=lambda name: (not _ends(name, noun), not _NAMING.search(name)))
            some = known or next(iter(likely), "item")
            id = self._id(thing, f"{{{some}}}")
            fields = {"id": id if known else Unsure(id, "TODO: what names it for good?")}
        name = _pick(texts, f"{noun}name", "name", noun if noun.endswith("name") else "", f"{noun}identifier", "displayname")
        fields |= {"name": f"{{{name}}}"} if name else {"name": "{arn.name}"} if own else {}
        members = item.members()
        moments = [each for each in members if members[each].is_moment() and "creat" in each.lower()]
        moments += [each for each in members if members[each].is_text() and _CREATED.search(each)]
        fields |= {"created": f"{{{min(moments, key=len)}}}"} if moments else {}
        plains = {plain(each): each for each in members}
        state = _pick(plains, f"{noun}status", f"{noun}state", "status", "state", "lifecyclestate")
        inner = _pick({plain(each): each for each in members[state].members()}, "name", "code", "status") if state else None
        if state and (inner or members[state].is_text()):
            fields["state"] = f"{{{state}.{inner}}}" if inner else f"{{{state}}}"
        return fields

    def _id(self, thing: _Drafted, reference: str) -> str:
        """An id of *reference* and, where that names a thing in one account and region or under its parent only, of these."""
        scope: Scope = "global" if is_global(self.service) else "regional"
        if lacks(reference, scope) is None:
            return reference
        if thing.parent is None:
            return "/".join(("{account_id}", *(("{region}",) if scope == "regional" else ()), reference))
        above = thing.parent.table
        parents = "{parent.arn}" if "arn" in above else re.sub(r"\{(?!account_id\}|region\})", "{parent.", sure(above["id"]))
        return f"{parents}/{reference}"

    def _arn(self, thing: _Drafted) -> Table:
        """The ARN in AWS's format, its variables filled from the item and what it lies under."""
        written = next((arn for name, arn in facts.arn_formats(self.calls.prefix).items() if plain(name) == thing.noun), "")
        ours = {"Partition": "{partition}", "Region": "{region}", "Account": "{account_id}"}
        values = {}
        for variable in re.findall(r"\$\{(\w+)\}", written):
            same = thing.texts().get(plain(variable))
            above = _in_parent(self.holder(variable, thing.parent, by_name=True))
            values[variable] = ours.get(variable) or (f"{{{same}}}" if same else self.holder(variable, thing) or above)
        if not written or not _complete(values):
            return {}
        return {"arn": re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]] or "", written)}

    def _tags(self, thing: _Drafted) -> Table:
        """The member that holds the tags, else the call for them."""
        inside = next((name for name, node in thing.item.members().items() if _TAGS.match(name) and not node.is_text()), None)
        if inside:
            return {"tags": inside}
        for name in sorted(self.calls.reads, key=lambda name: (thing.noun not in plain(name), not name.startswith("List"), len(name))):
            about = plain(re.sub(r"^(List|Describe|Get)", "", name))
            if not _ABOUT_TAGS.search(name) or (thing.noun not in about and singular(about) not in _TAGS_OF_ANYTHING | {"tag"}):
                continue
            whole = answer(self.calls.model.operation_model(name)).members()
            take = next((each for each, node in whole.items() if "tag" in each.lower() and not node.is_text()), None)
            inner = take and next((each for each, node in whole[take].members().items() if node.is_list()), None)
            params = self._params(name, thing, by_name=False)
            if params and take and self._is_taggable(name, thing):
                call = self.calls.call(name, params, f"{take}.{inner}" if inner else take)
                shown = dict.fromkeys(_secrets(taken(call["take"], Node(None, made=whole)).items()), _TAGS_SHOWN)
                return {"tags": call | ({"reveal": shown} if shown else {})}
        return {}

    def _is_taggable(self, operation: str, thing: _Drafted) -> bool:
        """Does IAM know *thing* among what the call for tags can be limited to? Yes where IAM limits it to nothing."""
        fact = facts.actions_for(self.service, operation)
        action = facts.action(fact.actions[0]) if fact else None
        return action is None or not action.resources or thing.noun in map(plain, action.resources)

    def _gets(self, thing: _Drafted) -> dict[str, Table]:
        """Further calls for one item: those that ask for this very thing by name."""
        nouns = {each.noun for each in self.resources.values()}
        used = {name for name in self.calls.reads if noun_of(name) in nouns - {thing.noun}}
        used |= {each.operation for each in self.resources.values()} | {sure(thing.table.get("describe", {}).get("call"))}
        gets: dict[str, Table] = {}
        for name in self.calls.reads:
            if name in used or _ABOUT_TAGS.search(name) or not (params := self._params(name, thing, by_name=True)):
                continue
            take, node = (name.startswith("List") and self.calls.items(name)) or self.calls.whole(name)
            if noun_of(name) == thing.noun and node.members().keys() <= thing.item.members().keys():
                continue
            call = self.calls.call(name, params, take)
            if name.startswith("List") and not isinstance(call["call"], Unsure):
                call["call"] = Unsure(name, "TODO: settings, or a customer's data?")
            hidden = _secrets(node.items())
            key = snake(things(name)).removeprefix(f"{thing.key}_")
            gets["details" if key == thing.key else f"{key}_too" if key in gets else key] = call | ({"redact": hidden} if hidden else {})
        return gets

    def _type(self, thing: _Drafted) -> Table:
        """CloudFormation's name of it; ours where there is none like it."""
        known = {plain(name.split("::")[2]): name for name in facts.type_names() if name.split("::")[1:2] == [self.segment]}
        same = {each.key: _pick(known, each.noun, plain(self.segment) + each.noun) for each in self.resources.values()}
        above = thing.parent.noun if thing.parent else ""
        under = _pick(known, above + thing.noun, thing.noun.removeprefix(above))
        exact = same[thing.key] or (under if under not in same.values() else None)
        close = [known[each] for each in get_close_matches(thing.noun, sorted(known), n=1, cutoff=0.85)]
        ours = f"AWS::{self.segment}::{camel(thing.key)}"
        table: Table = {"type": ours, "ours": Unsure(value=True, why="TODO: a resource at all? CloudFormation has no such type")}
        for found in (exact, *close):
            if found and found not in self.types and (found == exact or found not in same.values()):
                table = {"type": found if found == exact else Unsure(found, "TODO: is it this one?")}
                break
        self.types.add(sure(table["type"]))
        return table

    def _hide(self, thing: _Drafted, children: Iterable[Table]) -> None:
        """Redact what is held for a secret in the listed and the described item; what the record or another call needs cannot be."""
        needed = {".".join(path[path[0] in ("item", "listed") :]) for path in references(sure(thing.table))}
        needed |= {".".join(path[1:]) for table in children for path in references(sure(table)) if path[0] == "parent"}
        needed = {each for each in needed if each.partition(".")[0] not in _OUR_WORDS}
        for call in (thing.table["list"], thing.table.get("describe")):
            if call is None:
                continue
            node = taken(call.get("take", "@"), answer(self.calls.model.operation_model(sure(call["call"])))).items()
            redact, reveal = [], {}
            for path in _secrets(node):
                if _TAGS.match(path.partition(".")[0]):
                    reveal[path] = _TAGS_SHOWN
                elif (path == "@" and needed) or any(f"{each}.".startswith(f"{path}.") for each in needed):
                    reveal[path] = "TODO: why it may be shown; it is needed here."
                else:
                    redact.append(path)
            call |= {"redact": redact} if redact else {}
            call |= {"reveal": reveal} if reveal else {}

    def _narrow(self, thing: _Drafted) -> None:
        """Say so when a list call may be asked for one thing that is listed as well: with nothing AWS may refuse it, or tell of little."""
        if thing.parent is not None:
            return
        for other in self.resources.values():
            named = [name for name in self.calls.asked(thing.operation) if other is not thing and self.holder(name, other, by_name=True)]
            if named and other.parent is None:
                why = f'TODO: or parent = "{other.key}", by {" or ".join(named)}?'
                thing.table["list"]["call"] = Unsure(thing.operation, why)
                return

    def text(self, chosen: Iterable[_Drafted]) -> str:
        top: Table = {"scope": "global"} if is_global(self.service) else {}
        top |= {"iam_prefix": self.calls.prefix} if self.calls.prefix != self.service else {}
        parts = ["\n".join(lines(top))] if top else []
        return "\n\n".join([*parts, *(resource_text(each.key, each.table) for each in chosen)]) + "\n"


def _ends(member: str, noun: str) -> bool:
    """Whether *member* names what *noun* ends with: ``executionId`` a ``planexecution``."""
    stem = plain(_NAMING.sub("", member))
    return stem != "" and stem != plain(member) and noun.endswith(stem)


def _in_parent(reference: str | None) -> str | None:
    """``{Name}`` as it is said in a child: ``{parent.Name}``."""
    return "{parent." + reference[1:] if reference else None


def _complete(params: Mapping[str, str | None]) -> TypeGuard[dict[str, str]]:
    return all(params.values())


def _secrets(node: Node) -> list[str]:
    """The paths to redact under *node*; of a map, its values: its keys tell what there is."""
    paths = [path for path, _ in node.secrets()]
    return [f"{path}.*" if path != "@" and "*" in at(path, node).members() else path for path in paths]


def _pick(names: Mapping[str, str], *wanted: str) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _placeholder(node: Node) -> Any:
    """Something of the kind that a parameter must be, for a person to replace."""
    if node.is_list():
        return [_placeholder(node.items())]
    if node.is_object():
        return {}
    if node.is_text():
        return next(iter(getattr(node.shape, "enum", None) or ()), "TODO")
    return getattr(node.shape, "type_name", "") == "boolean" or 1


def _type_segment(service: str, prefix: str, metadata: Mapping[str, str]) -> str:
    """The middle of CloudFormation's type names for *service*: named as the service, else the longest that its full name holds."""
    segments = {plain(name.split("::")[1]): name.split("::")[1] for name in facts.type_names() if name.startswith("AWS::")}
    names = [re.sub(r"^(AWS|Amazon) ", "", metadata.get(key, "")) for key in ("serviceId", "serviceAbbreviation", "serviceFullName")]
    for name in (service, *names, prefix):
        if plain(name) in segments:
            return segments[plain(name)]
    held = [segment for segment in segments if len(segment) > 3 and segment in plain(names[2])]
    return segments[max(held, key=len)] if held else re.sub(r"\W", "", names[0])
