"""The body of query, ec2 and rest-xml answers: functions that turn XML elements into values, made from shapes.

The XML is read by expat. Documents that define entities are refused: they can be made to expand without end, and AWS sends none.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder, XMLParser

from botocore.model import ListShape, MapShape, Shape, StructureShape


class UnknownShapeError(Exception):
    """A shape of which no reading function can be made."""


class UnforeseenError(Exception):
    """An answer that its model does not foresee."""


Read: TypeAlias = Callable[[Element], Any]
_ReadText: TypeAlias = Callable[[str], Any]
_Member: TypeAlias = tuple[str, Read | None, bool]
"""Its name, what reads it (None for plain text), and whether it is made of all elements of its name (a flattened list or map)."""

MOUTHFUL = 64 << 10
"""Bytes that expat is given at once. Until it has read them it lets no other thread run: a page of megabytes would stop the event loop."""
NOT_IN_BODY = frozenset({"header", "headers", "statusCode"})
"""Where members come from, other than the body (botocore's KNOWN_LOCATIONS)."""
_NAMESPACE = re.compile("{.*}")
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*<!DOCTYPE", re.DOTALL)


def defines_entities(body: bytes) -> bool:
    """Does *body*, as XML in UTF-8, have a document type definition?"""
    return b"<!DOCTYPE" in body and _PROLOG.match(body) is not None


def root(body: bytes, wrapper: str | None = None) -> Element:
    """The root element of *body*, or that element in it which is called *wrapper*. Raises UnforeseenError and ParseError."""
    if not body:
        if wrapper:
            raise UnforeseenError("an empty body")
        return Element("")
    if defines_entities(body):
        raise UnforeseenError("a document type definition")
    parser = XMLParser(target=TreeBuilder(), encoding="utf-8")  # noqa: S314 (see above)
    for start in range(0, len(body), MOUTHFUL):
        parser.feed(body[start : start + MOUTHFUL])
    top: Element = parser.close()
    if _name(top.tag) == "Error":
        raise UnforeseenError("an error where there was to be an answer")  # S3 says so with status 200
    if wrapper is None:
        return top
    found = [child for child in top if _name(child.tag) == wrapper]
    if len(found) != 1:
        raise UnforeseenError(f"{len(found)} elements called {wrapper}")
    return found[0]


def _name(tag: str) -> str:
    """``{namespace}name`` -> ``name``"""
    return tag.rpartition("}")[2]


class Compiler:
    """Makes the functions. None in place of a function means plain text. *moment* reads timestamps."""

    def __init__(self, moment: _ReadText) -> None:
        self._moment = moment
        self._structures: dict[str, Read] = {}

    def structure(self, shape: StructureShape) -> Read:
        """What reads an element that is *shape*. A shape may lead to itself, so its function is there before it is made."""
        if shape.name in self._structures:
            return self._structures[shape.name]
        made: list[Read] = []

        def read_later(node: Element) -> Any:
            return made[0](node)

        self._structures[shape.name] = read_later
        try:
            made.append(self._made(shape))
        except UnknownShapeError:
            del self._structures[shape.name]
            raise
        self._structures[shape.name] = made[0]
        return made[0]

    def _made(self, shape: StructureShape) -> Read:
        members: dict[str, _Member] = {}
        attributes: dict[str, str] = {}
        for name, member in shape.members.items():
            if member.serialization.get("location") in NOT_IN_BODY:
                continue
            tag = _tag_of(member, name)
            if tag in members or member.serialization.get("eventheader"):
                raise UnknownShapeError(f"{shape.name}: {tag}")
            flattened = member.type_name in ("list", "map") and bool(member.serialization.get("flattened"))
            members[tag] = (name, self._value(member), flattened)
            if member.serialization.get("xmlAttribute"):
                attributes[member.serialization["name"]] = name
        read = _structure(members)
        if shape.is_tagged_union:
            read = _union(read)
        return _with_attributes(read, attributes) if attributes else read

    def _value(self, shape: Shape) -> Read | None:
        """What reads *shape*: from its element, or, when it is flattened, from the list of its elements."""
        match shape.type_name:
            case "structure":
                return self.structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "string" | "character":
                return None
            case "timestamp":
                return _of_text(self._moment)
            case "blob":
                return _of_text(b64decode)
            case "integer" | "long":
                return _of_text(int)
            case "float" | "double":
                return _of_text(float)
            case "boolean":
                return _is_true
        raise UnknownShapeError(shape.type_name)

    def _list(self, shape: ListShape) -> Read:
        read = self._value(shape.member)
        if shape.member.type_name in ("list", "map") and shape.member.serialization.get("flattened"):
            raise UnknownShapeError(f"a list of flattened {shape.member.type_name}s")
        if read is None:
            return lambda nodes: [node.text or "" for node in nodes]
        return lambda nodes: [read(node) for node in nodes]

    def _map(self, shape: MapShape) -> Read:
        if shape.key.type_name != "string" or shape.value.serialization.get("flattened"):
            raise UnknownShapeError(f"{shape.name}: keys that are {shape.key.type_name}")
        key, value = shape.key.serialization.get("name") or "key", shape.value.serialization.get("name") or "value"
        return _map(key, value, self._value(shape.value) or _text)


def _tag_of(shape: Shape, name: str) -> str:
    """The element's name of a member: of a flattened list, that of its elements (botocore's _member_key_name)."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        inner = shape.member.serialization.get("name")
        if inner is not None:
            return str(inner)
    return str(shape.serialization.get("name", name))


def _structure(members: dict[str, _Member]) -> Read:
    by_tag: dict[str, _Member] = dict(members)
    """Also by names with their namespaces, as they are met: to cut the namespace off each of a page's elements takes time."""

    def read_structure(node: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        several: dict[str, tuple[Read, list[Element]]] | None = None
        for child in node:
            tag = child.tag
            member = by_tag.get(tag)
            if member is None:
                member = members.get(_name(tag))
                if member is None:
                    continue
                if len(by_tag) < 4 * len(members):
                    by_tag[tag] = member
            name, read, flattened = member
            if flattened:
                several = several or {}
                if name in several:
                    several[name][1].append(child)
                else:
                    several[name] = (read or _text, [child])
            elif name in found:
                raise UnforeseenError(f"more than one {name}")
            elif read is None:
                found[name] = child.text or ""
            else:
                found[name] = read(child)
        if several:
            for name, (read, children) in several.items():
                found[name] = read(children)  # type: ignore[arg-type]  # a flattened list is read from its elements
        return found

    return read_structure


def _union(read: Read) -> Read:
    def read_union(node: Element) -> Any:
        found = read(node)
        if len(found) != 1 or len({child.tag for child in node}) != 1:
            raise UnforeseenError("a union of other members than one that is known")
        return found

    return read_union


def _with_attributes(read: Read, attributes: dict[str, str]) -> Read:
    """Members that are attributes: ``xsi:type`` in S3's grantees."""

    def read_with_attributes(node: Element) -> Any:
        found = read(node)
        for name, member in attributes.items():
            prefix = name.partition(":")[0]
            for attribute, value in node.attrib.items():
                if member not in found and _NAMESPACE.sub(f"{prefix}:", attribute) == name:
                    found[member] = value
        return found

    return read_with_attributes


def _map(key_tag: str, value_tag: str, read: Read) -> Read:
    def read_map(entries: Iterable[Element]) -> dict[str, Any]:
        found = {}
        for entry in entries:
            parts = {_name(part.tag): part for part in entry}
            if len(parts) != 2 or len(entry) != 2:
                raise UnforeseenError("an entry of a map that is not one key and one value")
            found[parts[key_tag].text or ""] = read(parts[value_tag])
        return found

    return read_map


def _text(node: Element) -> str:
    return node.text or ""


def _of_text(convert: _ReadText) -> Read:
    return lambda node: convert(node.text or "")


def _is_true(node: Element) -> bool:
    return node.text == "true"
