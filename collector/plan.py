"""Specs x targets -> tasks, one after the other and never all at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.record import Gap
from collector.spec.model import Family


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: partition, account and region."""

    partition: str
    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account to read: the regions chosen and enabled there; those chosen but switched off; and why nothing of it can be read, if so."""

    id: str
    partition: str
    regions: tuple[str, ...]
    disabled_regions: tuple[str, ...] = ()
    name: str | None = None
    blocked: Gap | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One family in one target, to do. *gap* is set when it is known beforehand that it cannot be done."""

    family: Family
    target: Target
    gap: Gap | None = None

    def scan_name(self, key: str) -> str:
        """``111122223333/eu-west-1/lambda.function``: unique among the tasks of a run."""
        return f"{self.target.account_id}/{self.target.region}/{self.family.service}.{key}"


class Endpoints(Protocol):
    """What is known, without a call, about where services are."""

    def home(self, service: str, said: str | None) -> str:
        """The region in which a service of global scope is asked; *said* is what its spec says."""

    def serves(self, service: str, region: str) -> bool:
        """False only when it is known that the service is not in that region."""


def plan(families: Iterable[Family], accounts: Iterable[Account], endpoints: Endpoints, *, global_scope: bool = True) -> Iterator[Task]:
    """Every task. Targets change fastest, accounts before regions: AWS counts calls per account and region, so neighbours do not compete.

    A service that is not in a region, a region that is switched off and an account that cannot be read still give their tasks, each with
    its gap.
    """
    accounts = tuple(accounts)
    regions = tuple(dict.fromkeys(region for account in accounts for region in (*account.regions, *account.disabled_regions)))
    for family in families:
        if family.root.scope == "global":
            if global_scope:
                home = endpoints.home(family.service, family.root.home)
                absent = None if endpoints.serves(family.service, home) else _unavailable(family, "ServiceNotInPartition")
                for account in accounts:
                    yield Task(family, Target(account.partition, account.id, home), absent or account.blocked)
            continue
        for region in regions:
            absent = None if endpoints.serves(family.service, region) else _unavailable(family, "ServiceNotInRegion")
            for account in accounts:
                target = Target(account.partition, account.id, region)
                if region in account.disabled_regions:
                    yield Task(family, target, _unavailable(family, "RegionDisabled"))
                elif region in account.regions:
                    yield Task(family, target, absent or account.blocked)


def size(families: Iterable[Family], accounts: Sequence[Account], *, global_scope: bool = True) -> int:
    """How many tasks `plan` gives, without making one."""
    regional = sum(len({*account.regions, *account.disabled_regions}) for account in accounts)
    return sum(regional if family.root.scope == "regional" else len(accounts) * global_scope for family in families)


def _unavailable(family: Family, code: str) -> Gap:
    return Gap(action=family.root.list.action, code=code, kind="unavailable")
