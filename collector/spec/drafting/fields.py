"""The fields of a drafted resource, ``arn``, ``id``, ``name``, ``created`` and ``state``, as far as the names of its members tell."""

import re

from collector.spec import facts
from collector.spec.api import is_global
from collector.spec.drafting.drafted import Drafted
from collector.spec.drafting.operations import Operations, listed_in
from collector.spec.drafting.words import first_known, plain
from collector.spec.drafting.written import Table, Unsure, sure
from collector.spec.model import Scope
from collector.spec.unique import lacks

_NAMING = re.compile(r"(id|arn|name|identifier)\Z", re.IGNORECASE)
_CREATED = re.compile(r"creat\w*(date|time|at|on|stamp)|(date|time)\w*created", re.IGNORECASE)


def fields_of(thing: Drafted, calls: Operations) -> Table:
    """The fields that *thing* has; ``id`` only where there is no ``arn``."""
    item, noun, texts = thing.item, thing.noun, thing.texts()
    if item.is_text():
        named = {"": "{item}", "url": "{item.name}", "arn": "{arn.name}"}[thing.kind()]
        identity = {"arn": "{item}"} if thing.kind() == "arn" else _arn(thing, calls) or {"id": _id(thing, calls, "{item}")}
        return identity | {"name": named}
    own = [name for low, name in texts.items() if low.endswith("arn") and noun.endswith(low[:-3])]
    fields: Table = {"arn": f"{{{max(own, key=len)}}}"} if own else _arn(thing, calls)
    if not fields:
        listed = listed_in(thing.table["list"].get("take", ""))
        known = first_known(texts, f"{noun}id", "id", f"{noun}identifier", f"{noun}name", "name", "identifier", listed, f"{listed}id")
        likely = sorted(texts.values(), key=lambda name: (not _ends(name, noun), not _NAMING.search(name)))
        some = known or next(iter(likely), "item")
        id = _id(thing, calls, f"{{{some}}}")
        fields = {"id": id if known else Unsure(id, "TODO: what names it for good?")}
    name = first_known(texts, f"{noun}name", "name", noun if noun.endswith("name") else "", f"{noun}identifier", "displayname")
    fields |= {"name": f"{{{name}}}"} if name else {"name": "{arn.name}"} if own else {}
    return fields | _created(thing) | _state(thing)


def _arn(thing: Drafted, calls: Operations) -> Table:
    """The ARN in AWS's format, its variables filled from the item and what it lies under."""
    written = next((arn for name, arn in facts.arn_formats(calls.prefix).items() if plain(name) == thing.noun), "")
    ours = {"Partition": "{partition}", "Region": "{region}", "Account": "{account_id}"}
    values = {}
    for variable in re.findall(r"\$\{(\w+)\}", written):
        same = thing.texts().get(plain(variable))
        reference = f"{{{same}}}" if same else thing.reference(variable) or thing.reference_to_parent(variable)
        values[variable] = ours.get(variable) or reference
    if not written or not all(values.values()):
        return {}
    return {"arn": re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]] or "", written)}


def _id(thing: Drafted, calls: Operations, reference: str) -> str:
    """An id of *reference* and, where that names a thing in one account and region or under its parent only, of these."""
    scope: Scope = "global" if is_global(calls.service) else "regional"
    if lacks(reference, scope) is None:
        return reference
    if thing.parent is None:
        return "/".join(("{account_id}", *(("{region}",) if scope == "regional" else ()), reference))
    above = thing.parent.table
    parents = "{parent.arn}" if "arn" in above else re.sub(r"\{(?!account_id\}|region\})", "{parent.", sure(above["id"]))
    return f"{parents}/{reference}"


def _ends(member: str, noun: str) -> bool:
    """Whether *member* names what *noun* ends with: ``executionId`` a ``planexecution``."""
    stem = plain(_NAMING.sub("", member))
    return stem != "" and stem != plain(member) and noun.endswith(stem)


def _created(thing: Drafted) -> Table:
    members = thing.item.members()
    moments = [each for each in members if members[each].is_moment() and "creat" in each.lower()]
    moments += [each for each in members if members[each].is_text() and _CREATED.search(each)]
    return {"created": f"{{{min(moments, key=len)}}}"} if moments else {}


def _state(thing: Drafted) -> Table:
    members = thing.item.members()
    plains = {plain(each): each for each in members}
    state = first_known(plains, f"{thing.noun}status", f"{thing.noun}state", "status", "state", "lifecyclestate")
    if state is None:
        return {}
    inner = first_known({plain(each): each for each in members[state].members()}, "name", "code", "status")
    if inner:
        return {"state": f"{{{state}.{inner}}}"}
    return {"state": f"{{{state}}}"} if members[state].is_text() else {}
