"""A resource as far as it is drafted. The heart of its guesses, from names alone, is ``reference``: which member of its item a request's
parameter asks for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collector.spec.api import Node
from collector.spec.drafting.words import plain
from collector.spec.drafting.written import Table

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
class Drafted:
    """A resource being drafted. *item* is what was listed, then what templates see; *noun* its name as names are compared."""

    key: str
    noun: str
    operation: str
    item: Node
    table: Table
    parent: "Drafted | None" = None

    def line(self) -> Iterator["Drafted"]:
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

    def reference(self, parameter: str, *, by_name: bool = False) -> str | None:
        """The reference to what *parameter* asks for in an item; None when nothing there can be meant.

        *by_name*: the parameter must name the thing itself (``TopicArn``), not anything (``ResourceArn``).
        """
        if by_name and self.noun in _OF_ANYTHING:
            return None
        asked = plain(parameter)
        suffix = next((end for end in _SUFFIXES if asked == f"{self.noun}{end}"), None if by_name else _OF_ANYTHING.get(asked))
        if suffix is None:
            return None
        if self.item.is_text() and (suffix != "arn" or self.kind() == "arn"):
            return "{item.name}" if suffix == "name" and self.kind() else "{item}"
        texts = self.texts()
        fitting = [texts[name] for form in _SUFFIXES[suffix] if (name := form.format(noun=self.noun)) in texts]
        if not suffix:
            fitting.sort(key=lambda name: f"/{{{name}}}" not in self.table.get("arn", ""))
        member = next(iter(fitting), None)
        if member is None and suffix == "arn" and "arn" in self.table:
            return "{arn}"
        return f"{{{member}}}" if member else None

    def reference_in_child(self, parameter: str) -> str | None:
        """The same for a parameter that names the thing itself, as it is said in a child: ``{parent.TopicArn}``."""
        reference = self.reference(parameter, by_name=True)
        return "{parent." + reference[1:] if reference else None

    def reference_to_parent(self, parameter: str) -> str | None:
        """The reference to what *parameter*, which names what this lies under, asks for there."""
        return self.parent.reference_in_child(parameter) if self.parent else None
