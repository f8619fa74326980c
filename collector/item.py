"""One item on its way to a record: what is known of it by name, and what is asked with that."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, TypeAlias

from collector.spec.model import Call
from collector.template import fill_all, references

Item: TypeAlias = dict[str, Any]
"""All that is known of one item by name, as templates see it: its members, and over them the words of the spec language."""

_AROUND = ("partition", "account_id", "region", "parent")


def item_in(around: Mapping[str, Any], found: Any, *, listed: Any, over: Mapping[str, Any]) -> Item:
    """The item *found* in an answer, with what is known *around* it."""
    members = found if isinstance(found, dict) else {}
    return {**members, **around, "item": found, "listed": listed, "over": over}


def known_around(item: Item) -> Item:
    """What is known of *item* but not from the item itself."""
    return {name: item[name] for name in _AROUND if name in item}


def arn_of(item: Item | None) -> str | None:
    """The ARN of *item* as plain text; before it has one, the string that the item is."""
    if item is None:
        return None
    arn = item.get("arn") or item["item"]
    return str(arn) if isinstance(arn, str) else None


def in_groups(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Groups of at most *size* items of one region, for a call goes to one region."""
    for region in dict.fromkeys(item["region"] for item in items):
        waiting = iter([item for item in items if item["region"] == region])
        while group := list(islice(waiting, size)):
            yield group


def each_of(over: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Each combination of the values to ask in turn; one empty combination when there are none."""
    return (dict(zip(over, values, strict=True)) for values in product(*over.values()))


def parameters(call: Call, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters of *call*, filled; None when one that is filled in comes to nothing."""
    params: dict[str, Any] = {}
    for name, value in call.params.items():
        params[name] = filled = fill_all(value, known)
        if filled is None or (filled == "" and any(references(value))):
            return None
    return params
