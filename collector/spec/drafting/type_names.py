"""The type of a drafted resource: CloudFormation's name of it, ours where there is none like it."""

import re
from collections.abc import Collection
from difflib import get_close_matches

from collector.spec import facts
from collector.spec.drafting.drafted import Drafted
from collector.spec.drafting.operations import Operations
from collector.spec.drafting.words import camel, first_known, plain
from collector.spec.drafting.written import Table, Unsure, sure


def segment_of(calls: Operations) -> str:
    """The middle of CloudFormation's type names for a service: named as the service, else the longest that its full name holds."""
    segments = {plain(name.split("::")[1]): name.split("::")[1] for name in facts.type_names() if name.startswith("AWS::")}
    metadata = calls.model.metadata
    names = [re.sub(r"^(AWS|Amazon) ", "", metadata.get(key, "")) for key in ("serviceId", "serviceAbbreviation", "serviceFullName")]
    for name in (calls.service, *names, calls.prefix):
        if plain(name) in segments:
            return segments[plain(name)]
    held = [segment for segment in segments if len(segment) > 3 and segment in plain(names[2])]
    return segments[max(held, key=len)] if held else re.sub(r"\W", "", names[0])


def type_of(thing: Drafted, segment: str, resources: Collection[Drafted]) -> Table:
    """The ``type`` of *thing*, which none of *resources* has yet, and ``ours`` where it is not CloudFormation's."""
    known = {plain(name.split("::")[2]): name for name in facts.type_names() if name.split("::")[1:2] == [segment]}
    same = {each.key: first_known(known, each.noun, plain(segment) + each.noun) for each in resources}
    above = thing.parent.noun if thing.parent else ""
    under = first_known(known, above + thing.noun, thing.noun.removeprefix(above))
    exact = same[thing.key] or (under if under not in same.values() else None)
    close = [known[each] for each in get_close_matches(thing.noun, sorted(known), n=1, cutoff=0.85)]
    given = {sure(each.table["type"]) for each in resources if "type" in each.table}
    for found in (exact, *close):
        if found and found not in given and (found == exact or found not in same.values()):
            return {"type": found if found == exact else Unsure(found, "TODO: is it this one?")}
    ours = f"AWS::{segment}::{camel(thing.key)}"
    return {"type": ours, "ours": Unsure(value=True, why="TODO: a resource at all? CloudFormation has no such type")}
