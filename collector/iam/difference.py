"""What an upgrade of the policies adds and takes away: an earlier output of ``collector iam policy`` against today's."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from collector.errors import CollectorError
from collector.iam.document import PolicyUnreadableError, read_document

Entry: TypeAlias = tuple[str, str, str]
"""``Allow`` or ``Deny``, the action as the policy words it, the resource."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What today's policies say and the earlier ones did not, and the reverse; sorted."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]


class PolicyFileError(CollectorError):
    """A file or folder holds no policies; the message names it."""


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """Which policy of a set says a thing does not matter: IAM adds them up."""
    old, new = _entries(before), _entries(after)
    return Difference(added=tuple(sorted(new - old)), removed=tuple(sorted(old - new)))


def read_policies(paths: Iterable[Path]) -> dict[str, Any]:
    """The policy documents in *paths* by name: files with one document, called as the file, or an object of named ones; folders of such."""
    found: dict[str, Any] = {}
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise PolicyFileError(f"{path}: no *.json in it")
        for file in files:
            for name, document in _read(file).items():
                if name in found:
                    raise PolicyFileError(f'{file}: a second policy is called "{name}"')
                found[name] = document
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyFileError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(f"{file}: not JSON") from error
    if not isinstance(read, dict) or not read:
        raise PolicyFileError(f"{file}: neither a policy document nor an object of named ones")
    if "statement" in {name.lower() for name in read}:
        return {file.stem: read}
    if not all(isinstance(document, dict) for document in read.values()):
        raise PolicyFileError(f"{file}: neither a policy document nor an object of named ones")
    return read


def _entries(documents: Mapping[str, Any]) -> set[Entry]:
    entries: set[Entry] = set()
    for name, document in documents.items():
        try:
            statements = read_document(document).statements
        except PolicyUnreadableError as error:
            raise PolicyFileError(f"{name}: {error}") from error
        for statement in statements:
            actions = statement.actions or tuple(f"all but {action}" for action in statement.not_actions or ())
            resources = statement.resources or tuple(f"all but {resource}" for resource in statement.not_resources or ())
            effect = "Allow" if statement.allows else "Deny"
            entries |= {(effect, action, resource) for action in actions for resource in resources}
    return entries
