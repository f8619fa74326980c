"""A small organisation, put into the emulator through the calls that its owner would make. START READING HERE."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from collector.demo.place import Account, Aws, Ledger, Place, SeededResource
from collector.demo.seed_code import seed_build, seed_containers, seed_functions
from collector.demo.seed_compute import seed_auto_scaling, seed_eks, seed_image, seed_instances
from collector.demo.seed_identities import seed_identities, seed_roles
from collector.demo.seed_network import seed_load_balancer, seed_network
from collector.demo.seed_operations import (
    seed_alarm,
    seed_config_recorder,
    seed_key,
    seed_log_groups,
    seed_secrets,
    seed_stack,
    seed_trail,
)
from collector.demo.seed_organization import (
    CLOSED_ACCOUNT,
    EXTERNAL_ID,
    HOME_REGION,
    MANAGEMENT_ACCOUNT_ID,
    ROLE_NAME,
    seed_inventory_role,
    seed_organization,
)
from collector.demo.seed_storage import seed_buckets, seed_clusters, seed_database, seed_file_system, seed_tables
from collector.demo.seed_streams import seed_glue, seed_messages, seed_queues, seed_streams, seed_topics, seed_workflow
from collector.demo.seed_web import seed_apis, seed_certificate, seed_distribution, seed_zone

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the emulator now holds, so that a snapshot of it can be judged.

    *accounts* maps names to ids, without the closed account. *secrets* are texts that no output may contain, some of
    them in base64.
    """

    management_account_id: str
    accounts: dict[str, str]
    closed_account_id: str
    role_name: str
    external_id: str
    regions: tuple[str, ...]
    resources: tuple[SeededResource, ...]
    secrets: tuple[str, ...]


async def seed(url: str) -> Seeded:
    """Build the organisation in the empty emulator at *url*.

    Names, tags, account ids and planted secrets are equal on every run. Other ids and secrets that AWS makes differ.
    """
    ledger = Ledger()
    async with Aws(url) as aws:
        accounts = await seed_organization(aws, url)
        open_accounts = {name: account for name, account in accounts.items() if name != CLOSED_ACCOUNT}
        async with anyio.create_task_group() as group:
            for account in open_accounts.values():
                group.start_soon(_seed_account, account, aws, ledger)
    return Seeded(
        management_account_id=MANAGEMENT_ACCOUNT_ID,
        accounts={name: account.id for name, account in open_accounts.items()},
        closed_account_id=accounts[CLOSED_ACCOUNT].id,
        role_name=ROLE_NAME,
        external_id=EXTERNAL_ID,
        regions=REGIONS,
        resources=tuple(sorted(ledger.resources, key=lambda it: (it.account_id, it.region, it.type, it.identifier))),
        secrets=tuple(sorted(ledger.secrets)),
    )


async def _seed_account(account: Account, aws: Aws, ledger: Ledger) -> None:
    home = Place(account, HOME_REGION, aws, ledger)
    await seed_inventory_role(home)
    # More than 100 roles are more than one page.
    await seed_roles(home, count=105 if account.name == "shared-services" else 3)
    await seed_identities(home, users=3)
    if account.name == "shared-services":
        await seed_zone(home)
    if account.name == "production":
        await seed_distribution(home)
    async with anyio.create_task_group() as group:
        for region in REGIONS:
            group.start_soon(_seed_region, Place(account, region, aws, ledger))


async def _seed_region(here: Place) -> None:
    """What every account has in every region, and the workload where there is one."""
    deep = here.account.name == "shared-services" and here.region == HOME_REGION
    await seed_buckets(here)
    await seed_key(here)
    await seed_topics(here, count=104 if deep else 2)
    await seed_queues(here, count=2)
    await seed_log_groups(here, count=54 if deep else 2)
    await seed_alarm(here)
    await seed_config_recorder(here)
    if here.region == HOME_REGION:
        await seed_trail(here)
    if here.account.name == "production" and here.region in ("us-east-1", "eu-west-1"):
        await _seed_workload(here, size=4)
    if here.account.name == "staging" and here.region == "ap-southeast-2":
        await _seed_workload(here, size=1)


async def _seed_workload(here: Place, *, size: int) -> None:
    """An application with everything that it stands on; *size* is the number of its instances, functions and tables."""
    network = await seed_network(here)
    image_id = await seed_image(here)
    parts: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
        partial(seed_instances, here, network, image_id, count=size),
        partial(seed_auto_scaling, here, network, image_id),
        partial(seed_load_balancer, here, network),
        partial(seed_eks, here, network),
        partial(seed_database, here, network),
        partial(seed_functions, here, count=size),
        partial(seed_tables, here, count=size),
        partial(seed_secrets, here, parameters=size),
        *(
            partial(part, here)
            for part in (
                seed_containers,
                seed_build,
                seed_file_system,
                seed_clusters,
                seed_messages,
                seed_streams,
                seed_workflow,
                seed_glue,
                seed_stack,
                seed_apis,
                seed_certificate,
            )
        ),
    )
    async with anyio.create_task_group() as group:
        for part in parts:
            group.start_soon(part)
