"""The further calls for one item of a drafted resource: what completes it, its tags, its Gets."""

import re
from collections.abc import Collection
from dataclasses import replace

from collector.spec import facts
from collector.spec.api import Node, answer, taken
from collector.spec.drafting.drafted import Drafted
from collector.spec.drafting.fields import fields_of
from collector.spec.drafting.operations import ABOUT_TAGS, NOT_ITEMS, Operations
from collector.spec.drafting.redaction import TAGS_SHOWN, secret_paths
from collector.spec.drafting.words import is_tags, noun_of, plain, singular, snake, things
from collector.spec.drafting.written import Table, Unsure, sure

_TAGS_OF_ANYTHING = frozenset({"tag", "tagsforresource", "tagsofresource", "resourcetag", "tagging"})


def description_of(thing: Drafted, calls: Operations) -> tuple[Table, Node] | None:
    """The call that completes items, one or many at once, when it says more than the list; and what it gives."""
    return _of_one(thing, calls) or _in_batches(thing, calls)


def _of_one(thing: Drafted, calls: Operations) -> tuple[Table, Node] | None:
    """The call that is named after the thing and loses none of its fields."""
    for verb in ("Describe", "Get"):
        for name in calls.reads:
            if name == thing.operation or plain(name) not in (plain(verb) + thing.noun + end for end in ("", "detail", "details")):
                continue
            params = _params(name, thing, calls, by_name=False)
            take, node = calls.whole(name)
            known = set(fields_of(thing, calls)) if thing.item.is_object() else set()
            if params and len(node.members()) > len(thing.item.members()):
                completed = replace(thing, item=node)
                if known <= set(fields_of(completed, calls)):
                    return calls.call(name, params, take), node
    return None


def _in_batches(thing: Drafted, calls: Operations) -> tuple[Table, Node] | None:
    """The call that turns names or ARNs into objects."""
    for name in calls.reads if thing.item.is_text() else ():
        found = calls.items(name)
        if name == thing.operation or noun_of(name) != thing.noun or not found or not found[1].is_object():
            continue
        for parameter, node in calls.asked(name).items():
            if node.is_list() and node.items().is_text() and thing.reference(singular(parameter), by_name=True):
                call = calls.call(name, {parameter: "{batch}"}, found[0])
                call["batch"] = Unsure(10, "TODO: how many AWS takes at once")
                failed = next((each for each in calls.answered(name) if NOT_ITEMS.search(each) and "token" not in each.lower()), None)
                return call | ({"failures": f"{failed}[]"} if failed else {}), found[1]
    return None


def tags_of(thing: Drafted, calls: Operations) -> Table:
    """``tags``: the member that holds the tags, else the call for them; nothing where there is neither."""
    inside = next((name for name, node in thing.item.members().items() if is_tags(name) and not node.is_text()), None)
    if inside:
        return {"tags": inside}
    for name in sorted(calls.reads, key=lambda name: (thing.noun not in plain(name), not name.startswith("List"), len(name))):
        about = plain(re.sub(r"^(List|Describe|Get)", "", name))
        if not ABOUT_TAGS.search(name) or (thing.noun not in about and singular(about) not in _TAGS_OF_ANYTHING):
            continue
        whole = answer(calls.model.operation_model(name)).members()
        take = next((each for each, node in whole.items() if "tag" in each.lower() and not node.is_text()), None)
        inner = take and next((each for each, node in whole[take].members().items() if node.is_list()), None)
        params = _params(name, thing, calls, by_name=False)
        if params and take and _is_taggable(name, thing, calls):
            call = calls.call(name, params, f"{take}.{inner}" if inner else take)
            shown = dict.fromkeys(secret_paths(taken(call["take"], Node(None, made=whole)).items()), TAGS_SHOWN)
            return {"tags": call | ({"reveal": shown} if shown else {})}
    return {}


def _is_taggable(operation: str, thing: Drafted, calls: Operations) -> bool:
    """Does IAM know *thing* among what the call for tags can be limited to? Yes where IAM limits it to nothing."""
    fact = facts.actions_for(calls.service, operation)
    action = facts.action(fact.actions[0]) if fact else None
    return action is None or not action.resources or thing.noun in map(plain, action.resources)


def gets_of(thing: Drafted, calls: Operations, resources: Collection[Drafted]) -> dict[str, Table]:
    """By key, the calls that ask for this very thing by name and are not there for another of *resources*."""
    nouns = {each.noun for each in resources}
    used = {name for name in calls.reads if noun_of(name) in nouns - {thing.noun}}
    used |= {each.operation for each in resources} | {sure(thing.table.get("describe", {}).get("call"))}
    gets: dict[str, Table] = {}
    for name in calls.reads:
        if name in used or ABOUT_TAGS.search(name) or not (params := _params(name, thing, calls, by_name=True)):
            continue
        take, node = (name.startswith("List") and calls.items(name)) or calls.whole(name)
        if noun_of(name) == thing.noun and node.members().keys() <= thing.item.members().keys():
            continue
        call = calls.call(name, params, take)
        if name.startswith("List") and not isinstance(call["call"], Unsure):
            call["call"] = Unsure(name, "TODO: settings, or a customer's data?")
        hidden = secret_paths(node.items())
        key = snake(things(name)).removeprefix(f"{thing.key}_")
        gets["details" if key == thing.key else f"{key}_too" if key in gets else key] = call | ({"redact": hidden} if hidden else {})
    return gets


def _params(operation: str, thing: Drafted, calls: Operations, *, by_name: bool) -> Table | None:
    """The parameters of a call for one item; None when a required one is not to be had. *by_name*: one must name the thing."""
    required, params = calls.open(operation), calls.fixed(operation)
    if not required:
        free = sorted(calls.asked(operation), key=lambda name: not name.lower().endswith("arn"))
        named = ((name, thing.reference(name, by_name=True)) for name in free)
        return next(({name: reference} | params for name, reference in named if reference), None)
    if by_name and not any(thing.reference(name, by_name=True) for name in required):
        return None
    over = sure(thing.table["list"].get("over", {}))
    for name in required:
        said = f"{{over.{name}}}" if name in over else None
        reference = said or thing.reference(name, by_name=by_name) or thing.reference_to_parent(name)
        if reference is None:
            return None
        params[name] = reference
    return params
