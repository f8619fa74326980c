"""AWS's names taken apart: ``ListHostedZones`` lists a ``hosted_zone``."""

import re
from collections.abc import Mapping
from functools import cache

_WORD = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TAGS = re.compile(r"tags?(list|set)?\Z", re.IGNORECASE)
_VERB = re.compile(r"(BatchGet|Describe|Get|List)(?=[A-Z])")
_ONE_OF = re.compile(r"(?<=[a-z])(By|For|In)(?=[A-Z]).*")
_SINGULAR = (("indices", "index"), ("analyses", "analysis"), ("ies", "y"))
_LOSES_E = ("sses", "shes", "tches", "rches", "nches", "xes", "iases", "tatuses")


@cache
def plain(name: str) -> str:
    """*name* without capitals and separators: ``hostedzone``, as names are compared."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def singular(name: str) -> str:
    """``Policies`` -> ``Policy``; a name that is no plural as it is."""
    low = name.lower()
    for many, one in _SINGULAR:
        if low.endswith(many):
            return name[: -len(many)] + one
    if low.endswith(_LOSES_E):
        return name[:-2]
    if low.endswith(("ss", "us", "sis")) or not low.endswith("s"):
        return name
    return name[:-1]


def snake(name: str) -> str:
    """``DBInstanceArn`` -> ``db_instance_arn``."""
    return "_".join(word.lower() for word in _WORD.findall(name)) or "thing"


def camel(key: str) -> str:
    """``hosted_zone`` -> ``HostedZone``."""
    return "".join(word.capitalize() for word in key.split("_"))


def things(operation: str) -> str:
    """What *operation* is about, without its verb and what it is limited to: ``ListAccountsForParent`` -> ``Accounts``."""
    return _ONE_OF.sub("", _VERB.sub("", operation, count=1))


def is_plural(operation: str) -> bool:
    return singular(things(operation)) != things(operation)


def key_of(operation: str) -> str:
    """The key of the resource that *operation* lists: ``hosted_zone``."""
    key = snake(singular(things(operation)))
    return key if key[0].isalpha() else f"thing_{key}"


@cache
def noun_of(operation: str) -> str:
    """The same, as names are compared: ``hostedzone``."""
    return plain(singular(things(operation)))


def first_known(names: Mapping[str, str], *wanted: str) -> str | None:
    """The first of *wanted* that there is, as AWS writes it; *names* has AWS's names by how they are compared."""
    return next((names[name] for name in wanted if name in names), None)


def is_tags(member: str) -> bool:
    """Whether *member* is named as one that holds tags: ``TagList``."""
    return _TAGS.match(member) is not None
