"""Members that hold secrets wherever they stand, told by their names: AWS marks few of them, and a list by hand is never whole."""

import re
from functools import cache

_SECRET = re.compile(
    r".*(password|passphrase|private_?key|secret_?(access_?)?key|secret_?string|(auth|access|refresh|bearer|session)_?token"
    r"|connection_?string|pre_?shared_?key|stream_?key|community_?string)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r".*(user_?data|(start_?up|bootstrap|init)_?script|build_?spec|command_?line|entry_?points?)|(.*[a-z_])?(commands?|arguments?|args)",
    re.IGNORECASE,
)
_VARIABLES = re.compile(r".*(env|environment|(environment|env|stage)_?(variable|var)s?|variables)", re.IGNORECASE)
_SETTINGS = re.compile(
    r".*(parameters?|options?|propert(y|ies)|headers?|configurations?|settings|details|metadata|(extra|additional)[a-z]*|inputs?)",
    re.IGNORECASE,
)
_VALUES = frozenset({"*", "value"})


@cache
def secret_by_name(name: str, holder: str) -> str | None:
    """Why the text called *name*, a member of what is called *holder*, is held for a secret; None when its name does not say so.

    The name of a value of a map is ``*``. Settings whose names AWS fixes are members; those of a map are whatever its owner writes.
    """
    if name.lower() in _VALUES and _VARIABLES.fullmatch(holder):
        return "environment variables often hold passwords"
    if name == "*" and _SETTINGS.fullmatch(holder):
        return "free settings may hold passwords"
    told = holder if name == "*" else name
    if _SECRET.fullmatch(told):
        return "by its name it is a secret"
    return "commands and scripts often carry passwords" if _CODE.fullmatch(told) else None
