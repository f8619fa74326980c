"""Accounts, regions and roles."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from botocore.credentials import ReadOnlyCredentials

from collector.aws.accounts import Choice, Organization, account
from collector.aws.api_error import ApiError
from collector.aws.identity import Role, RoleIdentities
from collector.aws.page import Tally
from collector.errors import SettingsError
from collector.plan import Account, Target, plan
from collector.settings import Where, read_external_ids
from collector.spec.model import Call
from tests.scripted.scripted import ScriptedGateway, denied, family

TREE = {"r-root": ["ou-a", "ou-b"], "ou-a": ["ou-a1"], "ou-a1": [], "ou-b": []}
ACCOUNTS = {"r-root": ["000000000001"], "ou-a": ["000000000002"], "ou-a1": ["000000000003"], "ou-b": ["000000000004"]}


def organization() -> Organization:
    gateway = ScriptedGateway(
        ListRoots={"Roots": [{"Id": "r-root"}]},
        ListOrganizationalUnitsForParent=lambda params: {"OrganizationalUnits": [{"Id": unit} for unit in TREE[params["ParentId"]]]},
        ListAccountsForParent=lambda params: {
            "Accounts": [{"Id": each, "Name": "n", "Status": "ACTIVE"} for each in ACCOUNTS[params["ParentId"]]]
        },
        ListAccounts=[
            {"Accounts": [{"Id": "000000000001", "Name": "one", "Status": "ACTIVE"}], "NextToken": "2"},
            {"Accounts": [{"Id": "000000000002", "Name": "two", "Status": "SUSPENDED"}]},
        ],
    )
    return Organization(gateway, "aws")  # type: ignore[arg-type]


async def test_all_accounts_are_listed_with_their_status() -> None:
    assert [(member.id, member.status) for member in await organization().members()] == [
        ("000000000001", "ACTIVE"),
        ("000000000002", "SUSPENDED"),
    ]


@pytest.mark.parametrize(
    ("units", "without", "expected"),
    [
        (["ou-a"], [], [2, 3]),
        (["ou-a1"], [], [3]),
        ([], ["ou-a"], [1, 4]),
        ([], ["ou-a1"], [1, 2, 4]),
        (["ou-a"], ["ou-a1"], [2]),
        (["ou-a", "ou-a1"], [], [2, 3]),
    ],
)
async def test_nested_units_are_taken_in_and_left_out(units: list[str], without: list[str], expected: list[int]) -> None:
    assert [int(member.id) for member in await organization().members(units, without)] == expected


async def test_a_unit_to_leave_out_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="ou-zz"):
        await organization().members([], ["ou-zz"])


REGIONS = {
    "Regions": [
        {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"},
        {"RegionName": "eu-west-1", "OptInStatus": "opt-in-not-required"},
        {"RegionName": "af-south-1", "OptInStatus": "not-opted-in"},
        {"RegionName": "me-south-1", "OptInStatus": "opted-in"},
        {"RegionName": "xx-new-1", "OptInStatus": "opt-in-not-required"},
    ]
}


async def ask(choice: Choice, answer: Any = REGIONS) -> Account:
    gateway = ScriptedGateway(DescribeRegions=answer)
    return await account(gateway, "111122223333", "aws", region="us-east-1", choice=choice)  # type: ignore[arg-type]


async def test_the_regions_that_are_switched_on_are_read_even_those_botocore_does_not_know() -> None:
    found = await ask(Choice())

    assert found.regions == ("eu-west-1", "me-south-1", "us-east-1", "xx-new-1")
    assert found.disabled_regions == ()


async def test_a_region_that_was_named_but_is_switched_off_is_told() -> None:
    found = await ask(Choice(("af-south-1", "eu-*"), ("me-*",)))

    assert (found.regions, found.disabled_regions) == (("eu-west-1",), ("af-south-1",))


async def test_an_account_that_cannot_be_entered_comes_with_its_gap_and_every_chosen_region() -> None:
    error = denied()
    error.asked = "sts:AssumeRole"

    found = await ask(Choice(("eu-west-*",)), error)

    assert found.blocked is not None
    assert (found.blocked.action, found.blocked.kind) == ("sts:AssumeRole", "denied")
    assert found.regions == ("eu-west-1", "eu-west-2", "eu-west-3")


async def test_where_only_the_question_about_regions_is_denied_the_chosen_ones_are_tried() -> None:
    found = await ask(Choice(("eu-west-*",)), denied())

    assert found.blocked is None
    assert found.regions == ("eu-west-1", "eu-west-2", "eu-west-3")


class Nowhere:
    """Endpoints of a world in which sqs is in one region only."""

    def home(self, service: str, said: str | None) -> str:
        return "us-east-1"

    def serves(self, service: str, region: str) -> bool:
        return service != "sqs" or region == "eu-west-1"


def test_neighbouring_tasks_are_of_different_accounts_and_every_target_is_there_once() -> None:
    accounts = [Account(f"{n:012}", "aws", ("eu-west-1", "us-east-1")) for n in range(3)]

    tasks = list(plan([family("sqs", "queue"), family("iam", "role")], accounts, Nowhere()))

    told = [(task.family.service, task.target.region, int(task.target.account_id), task.gap.code if task.gap else None) for task in tasks]
    assert told == [
        *[("sqs", "eu-west-1", n, None) for n in range(3)],
        *[("sqs", "us-east-1", n, "ServiceNotInRegion") for n in range(3)],
        *[("iam", "us-east-1", n, None) for n in range(3)],
    ]


class Sts:
    """Assumes every role, and remembers as whom and with what it was asked."""

    def __init__(self, seconds: float = 3600, refuse: ApiError | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.seconds, self.refuse = seconds, refuse

    async def once(self, call: Call, target: Target, params: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        self.asked.append((target.account_id, dict(params)))
        await anyio.lowlevel.checkpoint()
        if self.refuse:
            raise self.refuse
        ends = (datetime.now(UTC) + timedelta(seconds=self.seconds)).isoformat()
        return {"Credentials": {"AccessKeyId": f"AKIA{len(self.asked)}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}}


class Base:
    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials("BASE", "s", None)


def identities(sts: Sts, hub: Role | None = None) -> RoleIdentities:
    found = RoleIdentities(Base(), region="eu-west-1", partition="aws", session_name="us", hub=hub)
    found.roles = {
        "111111111111": Role("arn:aws:iam::111111111111:role/R", "one"),
        "222222222222": Role("arn:aws:iam::222222222222:role/R", "two"),
    }
    found.gateway = sts  # type: ignore[assignment]
    return found


async def test_a_role_is_assumed_once_with_its_own_external_id_however_many_ask() -> None:
    sts = Sts()
    ours = identities(sts)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            for name in ("111111111111", "222222222222"):
                group.start_soon(ours.of, name)

    assert sorted((who, params["RoleArn"], params["ExternalId"]) for who, params in sts.asked) == [
        ("base", "arn:aws:iam::111111111111:role/R", "one"),
        ("base", "arn:aws:iam::222222222222:role/R", "two"),
    ]
    assert {params["RoleSessionName"] for _, params in sts.asked} == {"us"}


async def test_a_hub_role_is_assumed_first_and_then_asks_for_the_others() -> None:
    sts = Sts()
    ours = identities(sts, hub=Role("arn:aws:iam::999999999999:role/Hub", "hub-id"))

    await ours.of("111111111111")
    await ours.of("hub")

    assert [(who, params["RoleArn"], params["ExternalId"]) for who, params in sts.asked] == [
        ("hub", "arn:aws:iam::111111111111:role/R", "one"),
        ("base", "arn:aws:iam::999999999999:role/Hub", "hub-id"),
    ]


async def test_credentials_are_refreshed_before_they_expire() -> None:
    sts = Sts(seconds=300)  # botocore refreshes when fewer than ten minutes are left
    credentials = await identities(sts).of("111111111111")

    first = await credentials.get_frozen_credentials()
    sts.seconds = 3600
    await credentials.get_frozen_credentials()
    again = await credentials.get_frozen_credentials()

    assert len(sts.asked) >= 2
    assert first.access_key != "BASE"
    assert again.access_key == f"AKIA{len(sts.asked)}"


async def test_a_refused_role_is_asked_for_once_and_names_its_action() -> None:
    sts = Sts(refuse=denied())
    ours = identities(sts)

    for _ in range(3):
        with pytest.raises(ApiError) as raised:
            await ours.of("111111111111")
        assert raised.value.gap("sqs:ListQueues").action == "sts:AssumeRole"

    assert len(sts.asked) == 1


async def test_what_passes_is_asked_for_again_by_the_next_task_but_not_on_top_of_the_gateways_retries() -> None:
    sts = Sts(refuse=ApiError("throttled", "Throttling", passing=True))
    ours = identities(sts)

    for _ in range(2):
        with pytest.raises(ApiError) as raised:
            await ours.of("111111111111")
        assert not raised.value.passing

    assert len(sts.asked) == 2


def test_an_external_id_is_in_no_representation() -> None:
    settings = Where(role="R", external_id="very-secret", external_ids={"111111111111": "very-secret"}, hub_external_id="very-secret")

    assert "very-secret" not in repr(settings) + repr(Role("arn", "very-secret"))


def test_external_ids_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("the-id\n")
    (tmp_path / "many").write_text('111111111111 = "one"\n222222222222 = "two"\n')

    assert read_external_ids(tmp_path / "one") == "the-id"
    assert read_external_ids(tmp_path / "many") == {"111111111111": "one", "222222222222": "two"}
