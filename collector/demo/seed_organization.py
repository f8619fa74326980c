"""The organisation: its units and accounts, and in each account the role that an inventory assumes."""

import json
import urllib.request

import anyio.to_thread

from collector.demo.place import Account, Aws, Credentials, Place, pairs
from collector.iam.role import trust

HOME_REGION = "us-east-1"
MANAGEMENT_ACCOUNT_ID = "123456789012"  # what moto takes unknown credentials for
CALLER_ARN = f"arn:aws:iam::{MANAGEMENT_ACCOUNT_ID}:user/moto"
ROLE_NAME = "InventoryReadOnly"
EXTERNAL_ID = "demo-external-id"

# Unit -> (its parent unit, its accounts); parents first.
_UNITS: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "Infrastructure": (None, ("shared-services",)),
    "Workloads": (None, ()),
    "Production": ("Workloads", ("production",)),
    "Staging": ("Workloads", ("staging",)),
    "Closed": (None, ("retired",)),
}
CLOSED_ACCOUNT = "retired"


async def seed_organization(aws: Aws, url: str) -> dict[str, Account]:
    """Create the organisation; return its accounts by name, the closed one included (with the right to look into it).

    Account ids are the same on every run: moto draws them from a generator that is seeded before anything uses it.
    """
    await anyio.to_thread.run_sync(_seed_ids, url)
    management = Account(MANAGEMENT_ACCOUNT_ID, "management", Credentials("demo", "demo"))

    async def ask(method: str, **members: object) -> dict[str, object]:
        return await aws.call(management, HOME_REGION, "organizations", method, **members)

    await ask("create_organization", FeatureSet="ALL")
    roots = await aws.call(management, HOME_REGION, "organizations", "list_roots")
    root_id: str = roots["Roots"][0]["Id"]
    unit_ids: dict[str | None, str] = {None: root_id}
    accounts = {management.name: management}
    for unit, (parent, names) in _UNITS.items():
        created = await aws.call(
            management, HOME_REGION, "organizations", "create_organizational_unit", ParentId=unit_ids[parent], Name=unit
        )
        unit_ids[unit] = created["OrganizationalUnit"]["Id"]
        for name in names:
            accounts[name] = await _create_account(aws, management, name)
            await ask(
                "move_account",
                AccountId=accounts[name].id,
                SourceParentId=root_id,
                DestinationParentId=unit_ids[unit],
            )
    await ask("close_account", AccountId=accounts[CLOSED_ACCOUNT].id)
    return accounts


async def _create_account(aws: Aws, management: Account, name: str) -> Account:
    created = await aws.call(
        management,
        HOME_REGION,
        "organizations",
        "create_account",
        AccountName=name,
        Email=f"{name}@example.com",
        Tags=pairs({"owner": name}),
    )
    account_id: str = created["CreateAccountStatus"]["AccountId"]
    assumed = await aws.call(
        management,
        HOME_REGION,
        "sts",
        "assume_role",
        RoleArn=f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole",
        RoleSessionName="demo-seed",
    )
    given = assumed["Credentials"]
    return Account(account_id, name, Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))


def _seed_ids(url: str) -> None:
    request = urllib.request.Request(f"{url}/moto-api/seed?a=42", method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
        pass


async def seed_inventory_role(here: Place) -> None:
    """The role that the demo's run assumes; moto does not enforce its policy or its trust, a real account would."""
    opened = trust(CALLER_ARN, EXTERNAL_ID, root=f"arn:aws:iam::{MANAGEMENT_ACCOUNT_ID}:root")
    tags = here.tags(ROLE_NAME)
    answer = await here.call(
        "iam",
        "create_role",
        RoleName=ROLE_NAME,
        AssumeRolePolicyDocument=json.dumps(opened),
        MaxSessionDuration=3600,
        Tags=pairs(tags),
    )
    here.seeded("AWS::IAM::Role", answer["Role"]["Arn"], tags, region="global")
