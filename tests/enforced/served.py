"""What the emulator makes of the specs' calls: a table for people, and the few places where it is not like AWS."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from collector.spec.model import Call
from tests.enforced.probe import Answer, Asked

TABLE = Path(__file__).with_name("SERVED.md")

MISNAMED: Mapping[Asked, str] = {
    ("budgets", "DescribeBudgets"): "budgets:DescribeBudgets",
    ("budgets", "DescribeNotificationsForBudget"): "budgets:DescribeNotificationsForBudget",
    ("lambda", "GetFunctionConcurrency"): "lambda:PutFunctionConcurrency",
    ("lambda", "GetLayerVersionPolicy"): "lambda:ListLayers",
    ("lambda", "ListFunctionUrlConfigs"): "lambda:GetFunction",
    ("lambda", "ListFunctionsByCodeSigningConfig"): "lambda:ListFunctions",
    ("lambda", "ListLayerVersions"): "lambda:ListLayers",
    ("lambda", "ListProvisionedConcurrencyConfigs"): "lambda:GetFunction",
}
"""Calls for which the emulator asks for another action than AWS's service authorization reference says, and for which."""


def unenforced(root: Mapping[Asked, Answer], nothing: Mapping[Asked, Answer]) -> set[Asked]:
    """The calls that the emulator serves and answers even to a role that may do nothing."""
    return {asked for asked, answer in root.items() if answer.served and not nothing[asked].denied}


def table(calls: Iterable[Call], root: Mapping[Asked, Answer], nothing: Mapping[Asked, Answer]) -> str:
    """The text of SERVED.md."""
    operations: dict[str, set[str]] = {}
    for call in calls:
        operations.setdefault(call.service, set()).add(call.operation)
    free = unenforced(root, nothing)
    rows = []
    for service, names in sorted(operations.items()):
        unknown = sorted(name for name in names if not root[service, name].served)
        if len(unknown) == len(names):
            continue  # a service that it does not have
        open_ = sorted(name for name in names if (service, name) in free)
        rows.append(f"| {service} | {len(names) - len(unknown)} of {len(names)} | {', '.join(unknown)} | {', '.join(open_)} |")
    return "\n".join(
        [
            "# What the emulator serves",
            "",
            "Written by `python -m tests.enforced.write_served`: how ministack answered each call of the specs. `test_served.py` holds it.",
            "",
            "| service | operations served | unknown to the emulator | answered without asking IAM |",
            "|---|---|---|---|",
            *rows,
            "",
            "The services that are not here it does not have.",
            "",
            "Calls for which it asks for another action than AWS does:",
            "",
            "| call | the emulator's action |",
            "|---|---|",
            *(f"| {service}.{operation} | {action} |" for (service, operation), action in sorted(MISNAMED.items())),
            "",
        ]
    )
