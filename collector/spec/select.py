"""Which of the specs a run uses."""

import hashlib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import orjson

from collector.errors import SettingsError
from collector.spec.model import Family, Service
from collector.spelling import did_you_mean


def families(
    services: Mapping[str, Service],
    *,
    service: Iterable[str] = (),
    exclude_service: Iterable[str] = (),
    type: Iterable[str] = (),
) -> list[Family]:
    """The families of the services and types that the patterns choose; all when there are none.

    A type is named as CloudFormation names it, or ``service.resource``. Raises SettingsError for a pattern that matches nothing.
    """
    chosen = {name for name in services if _chosen(name, service, exclude_service)}
    for pattern in (*service, *exclude_service):
        if not any(fnmatchcase(name, pattern) for name in services):
            raise SettingsError(f'no service "{pattern}"{did_you_mean(pattern, services)}; `collector specs list` shows them')
    every = {name: spec for spec in services.values() for resource in spec.resources.values() for name in _names(spec, resource.key)}
    for pattern in type:
        if not any(fnmatchcase(name, pattern) for name in every):
            raise SettingsError(f'no type "{pattern}"{did_you_mean(pattern, every)}; `collector specs list` shows them')
    found: list[Family] = []
    for name in sorted(chosen):
        spec = services[name]
        wanted = None
        if type:
            wanted = frozenset(
                key for key in spec.resources if any(fnmatchcase(each, pattern) for each in _names(spec, key) for pattern in type)
            )
        found.extend(spec.families(wanted))
    if not found:
        raise SettingsError("nothing is left to read: the chosen types are not of the chosen services")
    return found


def _names(spec: Service, key: str) -> tuple[str, str]:
    return spec.resources[key].type, f"{spec.name}.{key}"


def _chosen(name: str, wanted: Iterable[str], unwanted: Iterable[str]) -> bool:
    wanted = tuple(wanted)
    return (not wanted or any(fnmatchcase(name, pattern) for pattern in wanted)) and not any(
        fnmatchcase(name, pattern) for pattern in unwanted
    )


def digest(families: Iterable[Family]) -> str:
    """A sha256 of all that *families* say: two runs with the same digest read the same things in the same way."""
    return hashlib.sha256(
        orjson.dumps(sorted(families, key=lambda family: family.name), option=orjson.OPT_SORT_KEYS, default=sorted)
    ).hexdigest()
