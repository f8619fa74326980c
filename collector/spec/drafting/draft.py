"""A first draft of a service's spec: what AWS's models, the action table and the ARN formats know. What a person must decide says TODO.

The story is here; each of its steps is a module of this room.
"""

from collections.abc import Iterable, Iterator

from collector.errors import SettingsError
from collector.spec.api import is_global, service_names
from collector.spec.calls import READS
from collector.spec.check import check
from collector.spec.drafting.drafted import Drafted
from collector.spec.drafting.item_calls import gets_of, tags_of
from collector.spec.drafting.operations import Operations
from collector.spec.drafting.redaction import redact
from collector.spec.drafting.type_names import segment_of, type_of
from collector.spec.drafting.walk import resources
from collector.spec.drafting.words import is_plural
from collector.spec.drafting.written import Table, Unsure, lines, resource_text
from collector.spec.reader import read_spec
from collector.spelling import did_you_mean


def draft(service: str, operations: tuple[str, ...] = ()) -> str:
    """The text of a spec for *service*: of the list calls *operations* and what they lie under, or of every list call that needs nothing
    and of those that need only what these give.

    What will not hold even when a person has decided stands at the top; so do, where all are drafted, the list calls that must not be made.
    Raises SettingsError for a service or operation that does not exist or must not be called.
    """
    if service not in service_names():
        raise SettingsError(f'botocore knows no service "{service}"{did_you_mean(service, service_names())}')
    calls = Operations(service)
    for operation in operations:
        if operation not in calls.model.operation_names:
            raise SettingsError(f'{service} has no operation "{operation}"{did_you_mean(operation, calls.model.operation_names)}')
        if refusal := calls.refusal(operation):
            raise SettingsError(refusal)
    chosen = _completed(calls, operations)
    if not chosen:
        raise SettingsError(f"{service} has no list call that needs nothing; name the operations to draft")
    text = _text(calls, chosen)
    problems = check({service: read_spec(service, text.replace('"TODO:', '"Decided:'))})
    notes = [f"# TODO {problem}" for problem in problems] + [f"# Left out: {each}" for each in ([] if operations else _left_out(calls))]
    return "".join(f"{note}\n" for note in notes) + ("\n" if notes else "") + text


def _completed(calls: Operations, operations: tuple[str, ...]) -> list[Drafted]:
    """The resources to write, completed: those that *operations* list and what these lie under; all when there are none."""
    every = resources(calls, operations)
    kept = [each for each in every if not operations or each.operation in operations]
    needed = {step.key for each in kept for step in each.line()}
    chosen = [each for each in every if each.key in needed]
    segment = segment_of(calls)
    for each in chosen:
        each.table |= tags_of(each, calls)
        if "tags" in each.table:
            each.table.setdefault("name", "{tags.Name}")  # as AWS's consoles show it
        each.table["get"] = gets_of(each, calls, every)
        each.table |= type_of(each, segment, every)
    for each in chosen:
        _narrow(each, calls, every)
        redact(each, calls, [other for other in chosen if other.parent is each])
    return chosen


def _narrow(thing: Drafted, calls: Operations, others: Iterable[Drafted]) -> None:
    """Say so when a list call may be asked for one thing that is listed as well: with nothing AWS may refuse it, or tell of little."""
    if thing.parent is not None:
        return
    for other in others:
        named = [name for name in calls.asked(thing.operation) if other is not thing and other.reference(name, by_name=True)]
        if named and other.parent is None:
            why = f'TODO: or parent = "{other.key}", by {" or ".join(named)}?'
            thing.table["list"]["call"] = Unsure(thing.operation, why)
            return


def _left_out(calls: Operations) -> Iterator[str]:
    """The list calls that need nothing and must not be made, each with the reason."""
    for name in calls.model.operation_names:
        if name.startswith(READS) and is_plural(name) and not calls.open(name) and (refusal := calls.refusal(name)):
            yield refusal if name in refusal else f"{name}: {refusal}"


def _text(calls: Operations, chosen: Iterable[Drafted]) -> str:
    top: Table = {"scope": "global"} if is_global(calls.service) else {}
    top |= {"iam_prefix": calls.prefix} if calls.prefix != calls.service else {}
    parts = ["\n".join(lines(top))] if top else []
    return "\n\n".join([*parts, *(resource_text(each.key, each.table) for each in chosen)]) + "\n"
