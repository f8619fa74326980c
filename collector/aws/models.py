"""botocore's models, cut down while they are read to what may be called: the operations of one table and the shapes they lead to.

Of EC2's 700 operations a run uses sixty; whole models of all specs take 300 MB and their clients seconds.
"""

import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from botocore.loaders import JSONFileLoader, Loader, create_loader

Model: TypeAlias = dict[str, Any]
_References: TypeAlias = dict[tuple[tuple[str, Any], ...], Mapping[str, Any]]

_MODEL, _EXTRAS, _ENDPOINTS = "service-2", "service-2.sdk-extras", "endpoints"
# What only documentation, code completion and exceptions' classes need. The limits go too: AWS checks them, and says so better.
_NOT_NEEDED = frozenset({
    "deprecated", "deprecatedMessage", "deprecatedSince", "documentation", "documentationUrl",
    "enum", "errors", "max", "pattern", "sensitive",
})  # fmt: skip
_HEAD = 16_384
"""Bytes at the start of a model file within which its metadata ends; the longest of botocore 1.40.61 ends before 2,000."""


class _PrunedFiles(JSONFileLoader):  # type: ignore[misc]
    """botocore's model files, those of services cut down to *operations*. A service that is not named there is kept whole. The data about
    endpoints, which every session wants, are read once for all of them.
    """

    def __init__(self, operations: Mapping[str, Collection[str]]) -> None:
        self._operations = operations
        self._read = Path()
        self._shapes: Collection[str] = ()
        """Of the model that was read last: what AWS's tools add to it is read next."""

    def load_file(self, file_path: str) -> Any:
        path = Path(file_path)
        if path.name == _ENDPOINTS:
            return _endpoints(path)
        content = _content(path)
        if content is None:
            return None
        data = orjson.loads(content)
        if path.name == _MODEL and path.parts[-3] in self._operations:
            data = pruned(data, self._operations[path.parts[-3]])
            self._read, self._shapes = path, frozenset(data["shapes"])
        elif path.name == _EXTRAS and path.with_name(_MODEL) == self._read:
            merged = data["merge"]
            merged["shapes"] = {name: shape for name, shape in merged.get("shapes", {}).items() if name in self._shapes}
        return data


@cache
def _endpoints(path: Path) -> Any:
    content = _content(path)
    return None if content is None else orjson.loads(content)


def _content(path: Path, size: int = -1) -> bytes | None:
    """The first *size* bytes of the JSON file that botocore calls *path*; None when there is no such file."""
    try:
        with Path(f"{path}.json").open("rb") as plain:
            return plain.read(size)
    except FileNotFoundError:
        pass
    try:
        with gzip.open(f"{path}.json.gz") as packed:
            return packed.read(size)
    except FileNotFoundError:
        return None


def loader(operations: Mapping[str, Collection[str]], search_path: str | None = None) -> Loader:
    """A session's ``data_loader`` that knows, of each service in *operations*, only these. *search_path* is AWS_DATA_PATH."""
    made: Loader = create_loader(search_path)
    made.file_loader = _PrunedFiles(operations)
    return made


def forget(loader: Loader, service: str) -> None:
    """Let go of the files of *service*, whose client is made: the loader would keep them, for another client, as long as it lives."""
    for key in [key for key in loader._cache if any(service in Path(str(part)).parts for part in key)]:  # noqa: SLF001
        del loader._cache[key]  # noqa: SLF001


def pruned(model: Mapping[str, Any], operations: Collection[str]) -> Model:
    """*model* with only *operations*, without what is not needed to call them.

    An operation that finds endpoints stays: without it, botocore would not refuse operations that need endpoint discovery.
    """
    known: _References = {}
    kept = {
        name: _without(operation, known)
        for name, operation in model["operations"].items()
        if name in operations or operation.get("endpointoperation")
    }
    shapes: Model = {}
    waiting = [reference["shape"] for operation in kept.values() for reference in _below(operation)]
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = _without(model["shapes"][name], known)
            waiting += [reference["shape"] for reference in _below(shapes[name])]
    return {
        **{name: part for name, part in model.items() if name not in ("documentation", "examples")},
        "operations": kept,
        "shapes": {name: shapes[name] for name in model["shapes"] if name in shapes},
    }


def _below(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The references to other shapes in an operation or a shape."""
    for role in ("input", "output", "member", "key", "value"):
        if role in definition:
            yield definition[role]
    yield from definition.get("members", {}).values()


def _without(definition: Mapping[str, Any], known: _References) -> Model:
    """An operation or a shape without what is not needed. A member may well be named "pattern": names of members are left alone."""
    kept = {name: value for name, value in definition.items() if name not in _NOT_NEEDED}
    for role in ("input", "output", "member", "key", "value"):
        if role in kept:
            kept[role] = _reference(kept[role], known)
    if "members" in kept:
        kept["members"] = {member: _reference(reference, known) for member, reference in kept["members"].items()}
    return kept


def _reference(reference: Mapping[str, Any], known: _References) -> Mapping[str, Any]:
    """*reference* without what is not needed. Equal ones are the same object: most say no more than ``{"shape": "String"}``."""
    kept = {name: value for name, value in reference.items() if name not in _NOT_NEEDED}
    try:
        return known.setdefault(tuple(kept.items()), kept)
    except TypeError:  # it holds a table
        return kept


@cache
def _whole() -> Loader:
    return Loader()


@cache
def metadata(service: str) -> Mapping[str, Any]:
    """The metadata of *service*'s model, read from the start of the file: the whole of it takes a hundred times as long."""
    version = _whole().determine_latest_version(service, _MODEL)
    for root in _whole().search_paths:
        head = _content(Path(root) / service / version / _MODEL, _HEAD)
        if head is not None:
            text = head.decode("utf-8", "ignore")
            start = text.find('"metadata":')
            if start >= 0:
                found: Mapping[str, Any] = json.JSONDecoder().raw_decode(text, text.index("{", start))[0]
                return found
    loaded: Mapping[str, Any] = _whole().load_service_model(service, _MODEL)["metadata"]
    return loaded
