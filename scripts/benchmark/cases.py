"""What is asked: which list calls, how many items are on a page, in how many accounts."""

from dataclasses import dataclass, field, replace

from benchmark.work import ASKS

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "us-west-2")
ALL_REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
    "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
"""Those that are switched on in every account."""
CONTENDERS = {
    "ours": "the collector",
    "floor": "floor: aiohttp, signature, parse",
    "shared": "aioboto3, shared clients",
    "naive": "aioboto3, a client for each cell",
}
_ACCOUNTS = {"ours": 100, "floor": 100, "shared": 25, "naive": 1}
"""A contender that takes ten times as long for a cell is given a tenth of the cells: what is compared is the cost of one."""


@dataclass(frozen=True)
class Case:
    """*items* on the one page of each service's answer; *accounts* to read by contender."""

    name: str
    about: str
    items: dict[str, int]
    accounts: dict[str, int] = field(default_factory=lambda: dict(_ACCOUNTS))

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(self.items)

    @property
    def sizes(self) -> dict[str, int]:
        """The server's setting of that name."""
        return {f"{service}.{ASKS[service].operation}": number for service, number in self.items.items()}

    def shrunk(self, accounts: int) -> "Case":
        """The same over at most so many accounts."""
        return replace(self, accounts={name: min(number, accounts) for name, number in self.accounts.items()})


_MIX = {"ec2": 2, "iam": 10, "lambda": 10, "dynamodb": 20, "sns": 20, "sqs": 20}


def _pages(service: str, items: int, **accounts: int) -> Case:
    return Case(f"{service}-{items}", f"{ASKS[service].operation}, pages of {items}", {service: items}, accounts)


CASES = {
    case.name: case
    for case in (
        Case("mix", "six services, small and middling pages", _MIX),
        Case("empty", "six services, empty answers", dict.fromkeys(_MIX, 0), {"ours": 150, "floor": 150, "shared": 50}),
        _pages("iam", 100, ours=400, floor=400, shared=60),
        _pages("lambda", 50, ours=100, floor=100, shared=20),
        _pages("s3", 100, ours=600, floor=600, shared=100),
        _pages("ec2", 1, ours=200, floor=200, shared=40),
        _pages("ec2", 100, ours=10, floor=10, shared=4),
        _pages("ec2", 1000, ours=1, floor=1, shared=1),
    )
}
FLEETS = (1, 10, 100, 1000)
"""Accounts over which the mix is read whole, with all that comes before the first call."""
FLEETS_AT_MOST = {"ours": 1000, "floor": 1000, "shared": 100, "naive": 10}
