"""How a command ends: its exit status."""

from enum import IntEnum


class Exit(IntEnum):
    """What a scheduler may conclude."""

    COMPLETE = 0
    OUR_BUG = 1
    USAGE = 2
    GAPS = 3
    HALTED = 4
