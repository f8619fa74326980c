"""Accounts and regions."""

from pathlib import Path
from typing import Any

import pytest

from collector.aws.accounts import Choice, Organization, account
from collector.errors import SettingsError
from collector.plan import Account, plan
from collector.settings import read_external_ids
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


def test_external_ids_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("the-id\n")
    (tmp_path / "many").write_text('111111111111 = "one"\n222222222222 = "two"\n')

    assert read_external_ids(tmp_path / "one") == "the-id"
    assert read_external_ids(tmp_path / "many") == {"111111111111": "one", "222222222222": "two"}
