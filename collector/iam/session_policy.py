"""The session policy that is sent with AssumeRole: what a session may do, whatever else its role may do.

A session is the intersection of the role's policies and of this. AWS takes 2,048 characters of it, so what it says depends
on how much is to be read; the first of these that fits is sent:

- **Every action by name.** A few services.
- **The shortest patterns** that match every action and, of all actions that AWS documents, no write and no read of
  customer data or secrets: ``ec2:Des*`` where the role says ``ec2:Describe*``. Some forty services of average size.
- **Everything but the gravest.** All services at once do not fit: an IAM action must name its service, and the services' names
  alone are longer. So everything is allowed but an explicit Deny, which no bucket's or key's policy can overrule, takes away
  what would hurt most: credentials, secrets, decryption, customer data of the services in ``GRAVEST``, and every change to
  identities; then as many of the other reads of customer data as there is room for. What is left out, the role's own
  policies keep out, and the preflight sees to that.

No form ever takes away an action that the session needs.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from collector.spec import facts

CHARACTERS = 2048
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
GRAVEST = (
    "sts", "secretsmanager", "ssm", "kms", "s3", "s3express", "dynamodb", "rds-data", "redshift-data", "ebs", "sqs", "kinesis", "logs",
    "lambda", "ec2", "ecr", "athena", "codecommit", "glue", "es", "aoss", "signer", "states", "acm", "redshift",
)  # fmt: skip
"""Services whose reads of data and secrets are denied before all others'."""
IDENTITIES = "iam"
"""The service of which every change is denied too: it is the way to all the rest."""

_READ_LEVELS = ("List", "Read")


def session_policy(actions: Iterable[str], on: Mapping[str, Collection[str]] = MappingProxyType({})) -> str:
    """The policy, at most 2,048 characters, for a session that needs *actions* and no others; of these, *on* names actions that are
    needed on these ARN patterns only, or, without any, everywhere. They must be few.
    """
    needed = frozenset(actions) | {action for action, arns in on.items() if not arns}
    narrow = {action: arns for action, arns in on.items() if arns}
    if narrow:
        return _json([*_exact(needed - narrow.keys()), *_narrow(narrow)])
    for statements in (_exact(needed), _shortened(needed)):
        if len(text := _json(statements)) <= CHARACTERS:
            return text
    return _all_but_gravest(needed)


def _exact(needed: Collection[str]) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": sorted(needed), "Resource": "*"}]


def _narrow(on: Mapping[str, Collection[str]]) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": action, "Resource": sorted(on[action])} for action in sorted(on)]


def _shortened(needed: Collection[str]) -> list[dict[str, Any]]:
    wanted, grave = _by_service(needed), _grave()
    patterns = [
        pattern
        for service in sorted(wanted)
        for pattern in _shortest(service, wanted[service], grave.get(service, frozenset()) - wanted[service])
    ]
    return [{"Effect": "Allow", "Action": patterns, "Resource": "*"}]


def _all_but_gravest(needed: Collection[str]) -> str:
    """Everything but as many of the gravest actions as there is room for."""
    chosen: list[str] = []
    room = CHARACTERS - len(_json(_everything_but([])))
    for pattern in _gravest_first(_by_service(needed)):
        if pattern not in chosen and len(pattern) + 3 <= room:  # two quotation marks and a comma
            chosen.append(pattern)
            room -= len(pattern) + 3
    return _json(_everything_but(sorted(chosen)))


def _everything_but(patterns: list[str]) -> list[dict[str, Any]]:
    return [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": patterns, "Resource": "*"},
    ]


def _gravest_first(needed: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Patterns that match none of *needed*: those of ``GRAVEST``, changes to identities, then what covers most per character."""
    reads = _by_service(_data_reads())
    for service in GRAVEST:
        yield from _shortest(service, reads.get(service, frozenset()) - needed.get(service, frozenset()), needed.get(service, ()))
    yield from _shortest(IDENTITIES, _grave()[IDENTITIES], needed.get(IDENTITIES, ()))
    others: list[tuple[float, str]] = []
    for service in sorted(reads.keys() - set(GRAVEST)):
        unneeded = reads[service] - needed.get(service, frozenset())
        for pattern in _shortest(service, unneeded, needed.get(service, ())):
            start = pattern.partition(":")[2].removesuffix("*").lower()
            covered = sum(name.lower().startswith(start) for name in unneeded)
            others.append((-covered / len(pattern), pattern))
    yield from (pattern for _, pattern in sorted(others))


def _shortest(service: str, wanted: Collection[str], unwanted: Collection[str]) -> list[str]:
    """The shortest patterns that match every name in *wanted* and none in *unwanted*, all of them names of *service*'s actions."""
    spelt = {name.lower(): name for name in wanted}
    refused = sorted({name.lower() for name in unwanted} - spelt.keys())
    return [f"{service}:{pattern}" for pattern in _beginnings("", spelt, refused)]


def _beginnings(start: str, spelt: Mapping[str, str], refused: Collection[str]) -> Iterator[str]:
    """Beginnings of the names *spelt* (by lower case), all of which begin with *start*, that none of *refused* begins with."""
    if spelt and not refused:
        name, spelling = next(iter(spelt.items()))
        yield spelling if len(spelt) == 1 and name == start else f"{spelling[: len(start)]}*"
        return
    if start in spelt:
        yield spelt[start]
    for letter in sorted({name[len(start)] for name in spelt if name != start}):
        longer = start + letter
        below = {name: spelling for name, spelling in spelt.items() if name.startswith(longer)}
        yield from _beginnings(longer, below, [name for name in refused if name.startswith(longer)])


@cache
def _data_reads() -> frozenset[str]:
    return frozenset(fact.action for fact in facts.deny_facts() if fact.tier == "halt")


@cache
def _grave() -> Mapping[str, frozenset[str]]:
    """By service, every action that writes or reads customer data or secrets."""
    writes = (action for action in facts.all_actions() if facts.level_of(action) not in _READ_LEVELS)
    return _by_service({*writes, *_data_reads()})


def _by_service(actions: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for action in actions:
        service, _, name = action.partition(":")
        found.setdefault(service, set()).add(name)
    return {service: frozenset(names) for service, names in found.items()}


def _json(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
