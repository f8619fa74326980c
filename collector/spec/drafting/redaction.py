"""What a draft redacts: what is held for a secret, unless the record or another call needs it."""

from collections.abc import Iterable

from collector.spec.api import Node, answer, at, taken
from collector.spec.check import EVERYWHERE
from collector.spec.drafting.drafted import Drafted
from collector.spec.drafting.operations import Operations
from collector.spec.drafting.words import is_tags
from collector.spec.drafting.written import Table, sure
from collector.template import references

TAGS_SHOWN = "Tags are labels."
_OUR_WORDS = EVERYWHERE | {"arn", "tags", "over", "parent", "batch"}


def secret_paths(node: Node) -> list[str]:
    """The paths to redact under *node*; of a map, its values: its keys tell what there is."""
    paths = [path for path, _ in node.secrets()]
    return [f"{path}.*" if path != "@" and "*" in at(path, node).members() else path for path in paths]


def redact(thing: Drafted, calls: Operations, children: Iterable[Drafted]) -> None:
    """Redact what is held for a secret in the listed and the described item of *thing*; what it or its *children* need is for a person."""
    needed = _needed(thing.table, [each.table for each in children])
    for call in (thing.table["list"], thing.table.get("describe")):
        if call is None:
            continue
        node = taken(call.get("take", "@"), answer(calls.model.operation_model(sure(call["call"])))).items()
        hidden, shown = [], {}
        for path in secret_paths(node):
            if is_tags(path.partition(".")[0]):
                shown[path] = TAGS_SHOWN
            elif (path == "@" and needed) or any(f"{each}.".startswith(f"{path}.") for each in needed):
                shown[path] = "TODO: why it may be shown; it is needed here."
            else:
                hidden.append(path)
        call |= {"redact": hidden} if hidden else {}
        call |= {"reveal": shown} if shown else {}


def _needed(table: Table, children: Iterable[Table]) -> set[str]:
    """The paths in an item that templates of *table*, or of *children* through ``parent``, name."""
    needed = {".".join(path[path[0] in ("item", "listed") :]) for path in references(sure(table))}
    needed |= {".".join(path[1:]) for child in children for path in references(sure(child)) if path[0] == "parent"}
    return {each for each in needed if each.partition(".")[0] not in _OUR_WORDS}
