"""Part ``peers``: other collectors on the same accounts, regions and services, as their authors made them, at 50 ms of latency.

They do not ask the same: which calls a service needs is each author's own opinion. So calls are counted at the server, and CPU is compared
by call. Each is given what it needs to run (roles, an organisation), and nothing of theirs is changed.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.cases import REGIONS
from benchmark.commands import collector_run, ran
from benchmark.environments import programs
from benchmark.measure import medians_of, progress
from benchmark.server import Aws, served
from benchmark.work import ROLE

LATENCY = 0.05
ACCOUNTS = 160
"""So many that all have long done with their starting, and the collector takes the second core without being told to."""
SERVICES = ("dynamodb", "ecr", "efs", "kinesis", "kms", "lambda", "sns")
C7N = ("dynamodb-table", "ecr", "efs", "kinesis", "kms-key", "lambda", "sns")


def _ours(aws: Aws, folder: Path, accounts: list[str]) -> dict[str, float]:
    services = [part for service in SERVICES for part in ("--service", service)]
    return ran(aws, collector_run(folder, accounts, REGIONS, *services), folder)


def _awsmap(aws: Aws, folder: Path, _accounts: list[str]) -> dict[str, float]:
    services = [part for service in SERVICES for part in ("-s", service)]
    regions = [part for region in REGIONS for part in ("-r", region)]
    home = {"HOME": str(folder)}
    return ran(aws, [programs("awsmap") / "awsmap", "org", "--role-name", ROLE, "-q", *services, *regions], folder, home)


def _c7n(aws: Aws, folder: Path, accounts: list[str]) -> dict[str, float]:
    policies = "".join(f"  - {{name: {kind}, resource: aws.{kind}}}\n" for kind in C7N)
    (folder / "policies.yml").write_text(f"policies:\n{policies}")
    roles = "".join(
        f"  - {{account_id: '{account}', name: '{account}', role: 'arn:aws:iam::{account}:role/{ROLE}'}}\n" for account in accounts
    )
    (folder / "accounts.yml").write_text(f"accounts:\n{roles}")
    regions = [part for region in REGIONS for part in ("-r", region)]
    command = [programs("c7n") / "c7n-org", "run", "-c", "accounts.yml", "-u", "policies.yml", "-s", "out", "--cache-period", "0", *regions]
    return ran(aws, command, folder, {"HOME": str(folder)})


def _list_all(aws: Aws, folder: Path, accounts: list[str]) -> dict[str, float]:
    """It reads one account, that of its credentials."""
    services = [part for service in SERVICES for part in ("-s", service)]
    regions = [part for region in REGIONS for part in ("-r", region)]
    own = {"HOME": str(folder), "AWS_ACCESS_KEY_ID": f"AKIA{accounts[0]}TEST"}
    return ran(aws, [programs("aws-list-all") / "aws-list-all", "query", *services, *regions, "-d", "out"], folder, own)


PEERS: dict[str, Callable[[Aws, Path, list[str]], dict[str, float]]] = {
    "collector": _ours, "awsmap org": _awsmap, "c7n-org": _c7n, "aws-list-all (one account)": _list_all,
}  # fmt: skip


def peers(repeat: int, most_accounts: int) -> dict[str, Any]:
    """Figures by program."""
    accounts = [f"{number:012}" for number in range(1, min(ACCOUNTS, most_accounts) + 1)]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in PEERS}
    with served(items=1, regions=REGIONS, accounts=accounts, latency=LATENCY) as aws:
        for _ in range(repeat):
            for name, peer in PEERS.items():
                progress(f"peers: {name}")
                with tempfile.TemporaryDirectory() as folder:
                    runs[name].append(peer(aws, Path(folder), accounts))
    return {name: medians_of(each) for name, each in runs.items()}
