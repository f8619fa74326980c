"""The body of json and rest-json answers: functions that turn decoded JSON into values, made from shapes."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any, TypeAlias

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.utils import ensure_boolean

from collector.aws.parse_xml import UnforeseenError, UnknownShapeError

Read: TypeAlias = Callable[[Any], Any]


class Compiler:
    """Makes the functions. None in place of a function means that the value is taken as it is.

    *moment* reads timestamps. *rest*: rest-json converts numbers and booleans, which json leaves as they come (botocore/parsers.py).
    """

    def __init__(self, moment: Read, *, rest: bool) -> None:
        self._moment, self._rest = moment, rest
        self._structures: dict[str, Read] = {}

    def structure(self, shape: StructureShape) -> Read:
        """What reads an object of *shape*. A shape may lead to itself, so its function is there before it is made."""
        if shape.name in self._structures:
            return self._structures[shape.name]
        made: list[Read] = []

        def read_later(value: Any) -> Any:
            return made[0](value)

        self._structures[shape.name] = read_later
        try:
            made.append(self._made(shape))
        except UnknownShapeError:
            del self._structures[shape.name]
            raise
        self._structures[shape.name] = made[0]
        return made[0]

    def _made(self, shape: StructureShape) -> Read:
        if shape.is_document_type:
            return _unchanged
        members: dict[str, tuple[str, Read | None]] = {}
        for name, member in shape.members.items():
            key = member.serialization.get("name", name)
            if key in members:
                raise UnknownShapeError(f"{shape.name} has two members called {key}")
            members[key] = (name, self._value(member))
        if shape.is_tagged_union:
            return _union(members)
        return _structure(members)

    def _value(self, shape: Shape) -> Read | None:
        match shape.type_name:
            case "structure":
                return None if shape.is_document_type else self.structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "timestamp":
                return self._moment
            case "blob":
                return b64decode
            case "string" | "character":
                return None
            case "integer" | "long":
                return _converted_integer if self._rest else _integer
            case "float" | "double":
                return float if self._rest else None
            case "boolean":
                return ensure_boolean if self._rest else None
        raise UnknownShapeError(shape.type_name)

    def _list(self, shape: ListShape) -> Read:
        read = self._value(shape.member)
        return _list if read is None else _list_of(read)

    def _map(self, shape: MapShape) -> Read:
        if shape.key.type_name != "string":
            raise UnknownShapeError(f"keys that are {shape.key.type_name}")
        read = self._value(shape.value)
        return _map if read is None else _map_of(read)


def _unchanged(value: Any) -> Any:
    return value


def _structure(members: dict[str, tuple[str, Read | None]]) -> Read:
    """What reads an object. Most hold what the model knows and no nulls: these stay the objects that they are, and of their members only
    those are touched that are not taken as they come.
    """
    known, names = members.get, frozenset(members)
    read_in_place = [(key, read) for key, (_, read) in members.items() if read is not None]
    is_renamed = any(name != key for key, (name, _) in members.items())

    def read_structure(value: Any) -> Any:
        if value is None:
            return None
        if not is_renamed and names.issuperset(value) and None not in value.values():
            for key, read in read_in_place:
                if key in value:
                    value[key] = read(value[key])
            return value
        found = {}
        for key, below in value.items():
            if below is not None and (member := known(key)) is not None:
                name, read_member = member
                found[name] = below if read_member is None else read_member(below)
        return found

    return read_structure


def _union(members: dict[str, tuple[str, Read | None]]) -> Read:
    """What reads a union: exactly one member, and one that we know."""
    read = _structure(members)

    def read_union(value: Any) -> Any:
        if value is not None:
            there = [key for key, below in value.items() if below is not None and key != "__type"]
            if len(there) != 1 or there[0] not in members:
                raise UnforeseenError("a union of other members than one that is known")
        return read(value)

    return read_union


def _list(value: Any) -> Any:
    if type(value) is not list:
        raise UnforeseenError("no list")
    return value


def _list_of(read: Read) -> Read:
    def read_list(value: Any) -> Any:
        if type(value) is not list:
            raise UnforeseenError("no list")
        return [read(each) for each in value]

    return read_list


def _map(value: Any) -> Any:
    if type(value) is not dict:
        raise UnforeseenError("no map")
    return value


def _map_of(read: Read) -> Read:
    return lambda value: {key: read(below) for key, below in value.items()}


def _integer(value: Any) -> Any:
    """orjson makes floats of integers beyond 64 bits; botocore's parser does not."""
    if type(value) is float:
        raise UnforeseenError("a fraction, or an integer beyond 64 bits")
    return value


def _converted_integer(value: Any) -> int:
    return int(_integer(value))
