"""The choices that a person makes about a role. Without imports, so that the command line can offer them quickly."""

from enum import StrEnum


class Form(StrEnum):
    """How the policies are worded: every action by name, or ``service:Describe*``, ``service:List*`` and each Get by name."""

    EXACT = "exact"
    VERBS = "verbs"


class Kind(StrEnum):
    """Which of the two roles: service data, or service data and the files of a billing bucket."""

    SERVICE = "service"
    BILLING = "billing"
