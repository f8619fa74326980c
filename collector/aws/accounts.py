"""Which accounts and regions there are: the organisation's accounts, and the regions that are switched on in each."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from sys import intern

from collector.aws import endpoints
from collector.aws.api_error import ApiError
from collector.aws.gateway import Gateway
from collector.aws.identity import BASE, HUB
from collector.aws.page import Tally, pages
from collector.errors import SettingsError
from collector.plan import Account, Target
from collector.spec.model import Call
from collector.spec.permitted import ACCOUNTS_UNDER, ORGANIZATION_ACCOUNTS, ORGANIZATION_ROOTS, REGIONS, UNITS_UNDER


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organisation. AWS reads nothing in one whose *status* is not ACTIVE."""

    id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Patterns that say what is wanted and, of that, what is not; no pattern wanted is everything."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        wanted = not self.wanted or any(fnmatchcase(name, pattern) for pattern in self.wanted)
        return wanted and not any(fnmatchcase(name, pattern) for pattern in self.unwanted)


class Organization:
    """The organisation, asked from its management account or a delegated administrator. Raises ApiError."""

    def __init__(self, gateway: Gateway, partition: str, *, hub: bool = False) -> None:
        self._gateway = gateway
        self._target = Target(partition, HUB if hub else BASE, endpoints.PartitionEndpoints(partition).home("organizations"))

    async def members(self, units: Collection[str] = (), without: Collection[str] = ()) -> list[Member]:
        """The accounts; only those in or below *units* (ids of organisational units or roots) when any are given, none in or below
        *without*.

        Raises SettingsError when one of *without* is nowhere to be found: what was to be left out would be read.
        """
        if not units and not without:
            return [member async for member in self._accounts(ORGANIZATION_ACCOUNTS)]
        found: dict[str, Member] = {}
        seen: set[str] = set()
        waiting = list(units) or [str(root["Id"]) async for root in self._items(ORGANIZATION_ROOTS)]
        while waiting:
            unit = waiting.pop()
            seen.add(unit)
            if unit in without:
                continue
            async for member in self._accounts(ACCOUNTS_UNDER, unit):
                found[member.id] = member
            waiting += [str(below["Id"]) async for below in self._items(UNITS_UNDER, unit)]
        unseen = set(without) - seen
        if unseen:
            raise SettingsError(f"exclude_unit: {min(unseen)} is not among the units that were chosen, or lies below another excluded one")
        return [found[account_id] for account_id in sorted(found)]

    async def _accounts(self, call: Call, parent: str | None = None) -> AsyncIterator[Member]:
        async for account in self._items(call, parent):
            yield Member(account["Id"], account.get("Name") or account["Id"], account.get("State") or account.get("Status") or "ACTIVE")

    async def _items(self, call: Call, parent: str | None = None) -> AsyncIterator[dict[str, str]]:
        params = {"ParentId": parent} if parent else {}
        async for answer in pages(self._gateway, call, self._target, params, Tally()):
            for item in answer.get(call.take.removesuffix("[]"), ()):
                yield item


async def account(gateway: Gateway, account_id: str, partition: str, *, region: str, choice: Choice, name: str | None = None) -> Account:
    """The account with the regions of *choice* that are switched on in it.

    One that cannot be entered comes with its gap and every region that was chosen: what was not read must be told for each. Where only
    the question about regions is denied, all chosen ones are tried.
    """
    chosen = tuple(each for each in endpoints.regions(partition) if each in choice)
    try:
        answer = await gateway.once(REGIONS, Target(partition, account_id, region), {"AllRegions": True}, Tally())
    except ApiError as error:
        entered = error.kind == "denied" and error.asked is None
        return Account(account_id, partition, chosen, name=name, blocked=None if entered else error.gap(REGIONS.action))
    enabled = [intern(each["RegionName"]) for each in answer.get("Regions", ()) if each.get("OptInStatus") != "not-opted-in"]
    # A region that botocore does not know yet is read all the same: AWS says that it is there.
    regions = tuple(sorted(each for each in enabled if each in choice))
    disabled = tuple(each for each in chosen if each in choice.wanted and each not in regions)
    return Account(account_id, partition, regions, disabled, name=name)
