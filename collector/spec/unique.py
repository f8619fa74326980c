"""Is an id or an ARN the same in another account or region? The names of what it is made of tell, as far as anything does."""

import re
from typing import Literal

from collector.spec.model import Scope
from collector.template import references

_OWN = re.compile(r"(?:^|[a-z0-9])(?:[iI]d|ID|[aA]rn|ARN|UUID)$|^DomainName$")
"""Members that no two accounts have the same of: ids and ARNs that AWS makes, and names in DNS."""
_OF_AN_ACCOUNT = re.compile(r"(?:account|owner|registry|catalog)_?Id$", re.IGNORECASE)


def lacks(id: str, scope: Scope) -> Literal["account_id", "region"] | None:
    """What must be put into the template *id* so that no other account or region has the same."""
    names = {name for path in references(id) for name in path}
    if any(_OWN.search(name) and not _OF_AN_ACCOUNT.search(name) for name in names):
        return None
    if "account_id" not in names:
        return "account_id"
    return "region" if "region" not in names and scope == "regional" else None


def is_everybodys(arn: str) -> bool:
    """Whether the template *arn* gives one ARN to all accounts."""
    return all(path[0] in ("partition", "region") or "over" in path for path in references(arn))
