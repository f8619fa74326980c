"""The explicit Deny that comes with every policy: reads of customers' data and secrets, whatever else somebody attaches to the role.

Denied are the deny list's halt tier; the few Describe and List actions that write; and those that show the names of objects, messages and
the like (review tier, internals) and that no spec wants, because ``service:List*`` would grant them. Their names are longer than a policy
may be, so patterns stand for them. A service of which nothing is read is denied as a whole; in the others no pattern catches an action
that a spec needs, nor, while there is room, any harmless Describe or List that a later release may want.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from collector.iam.evaluate import action_index, expand
from collector.spec import facts

_READS = ("List", "Read")
_VERBS = ("Describe", "List")
_SHORTEST = 4
"""Letters of a suffix pattern: ``*Token`` can be understood by who reads the policy, ``*S`` cannot."""


def denied_actions(wanted: Collection[str]) -> frozenset[str]:
    """Every action that the Deny is for; *wanted* are those that a spec needs, on whatever resources."""
    read = {_prefix(action) for action in wanted}
    denied = {fact.action for fact in facts.deny_facts() if fact.tier == "halt"}
    listings = {fact.action for fact in facts.deny_facts() if (fact.tier, fact.category) == ("review", "internals")}
    listings |= {action for action in facts.all_actions() if facts.level_of(action) not in _READS}
    denied |= {action for action in listings if _is_listing(action) and _prefix(action) in read}
    return frozenset(denied - set(wanted))


def deny_patterns(denied: Iterable[str], wanted: Collection[str], *, spare_listings: bool) -> dict[str, list[str]]:
    """The patterns that catch every one of *denied*, by IAM prefix, and none of *wanted*; nor, told so, other Describe and List actions."""
    names, spared = _by_prefix(denied), _by_prefix(wanted)
    return {
        prefix: _patterns(prefix, names[prefix], spared[prefix], spare_listings) if prefix in spared else [f"{prefix}:*"]
        for prefix in sorted(names)
    }


def deny_statements(
    wanted: Mapping[str, Collection[str]], elsewhere: Collection[str] = (), *, spare_listings: bool
) -> list[dict[str, Any]]:
    """The Deny; *wanted* is every action that some spec needs, with the resources it needs it on.

    *elsewhere* are actions that another policy of the same role grants, and denies where it does not, if they are data.
    """
    spared = {*wanted, *elsewhere}
    patterns = deny_patterns(denied_actions(spared), spared, spare_listings=spare_listings)
    everywhere = {"Effect": "Deny", "Action": sorted(pattern for said in patterns.values() for pattern in said), "Resource": "*"}
    halting = {fact.action for fact in facts.deny_facts() if fact.tier == "halt"}
    on_what: dict[tuple[str, ...], list[str]] = {}
    for action in sorted(halting & set(wanted)):
        on_what.setdefault(tuple(sorted(wanted[action])), []).append(action)
    return [everywhere, *({"Effect": "Deny", "Action": actions, "NotResource": list(on)} for on, actions in on_what.items())]


def _prefix(action: str) -> str:
    return action.partition(":")[0].lower()


def _is_listing(action: str) -> bool:
    return action.partition(":")[2].startswith(_VERBS)


def _by_prefix(actions: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for action in actions:
        found.setdefault(_prefix(action), set()).add(action.partition(":")[2])
    return {prefix: frozenset(names) for prefix, names in found.items()}


@cache
def _patterns(prefix: str, names: frozenset[str], wanted: frozenset[str], spare_listings: bool) -> list[str]:
    """Greedy cover of *names*: always the pattern that costs the fewest characters for each name it newly catches."""
    index = action_index([*facts.actions_of(prefix), *(f"{prefix}:{name}" for name in names)])
    denied = {f"{prefix}:{name}".lower() for name in names}
    spared = {f"{prefix}:{name}".lower() for name in wanted}
    if spare_listings:
        spared |= {action.lower() for action in facts.actions_of(prefix) if _is_listing(action) and facts.level_of(action) in _READS}
    catches: dict[str, frozenset[str]] = {}
    for pattern in sorted({f"{prefix}:{pattern}" for name in names for pattern in _candidates(name)}):
        caught = {action.lower() for action in expand(pattern, index)}
        if not caught & (spared - denied):
            catches[pattern] = frozenset(caught & denied)
    chosen, left = [], set(denied)
    while left:
        best = max(catches, key=lambda pattern: len(catches[pattern] & left) / (len(pattern) + len('"",')))
        chosen.append(best)
        left -= catches[best]
    return sorted(chosen)


def _candidates(name: str) -> list[str]:
    """*name*, and what is left without words of its end (``GetObject*``, ``GetObject?*``), start (``*Token``) or both (``*Entity*``)."""
    words = [match.start() for match in re.finditer(r"[A-Z](?![A-Z])", name) if match.start() >= len("Get")]
    starts = [name[:at] + wildcard for at in words for wildcard in ("*", "?*")]
    ends = ["*" + name[at:] for at in words if len(name) - at >= _SHORTEST]
    middles = [f"*{name[start:end]}*" for start in (0, *words) for end in (*words, len(name)) if end - start >= _SHORTEST]
    return [name, f"{name}*", f"{name}?*", *starts, *ends, *middles]
