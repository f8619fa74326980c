"""Billing files with the generated billing role, where IAM is enforced: it reads its prefix, and nothing else of S3."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.billing.files import BUCKET, PREFIX, Bucket, Charge, as_csv, focus
from tests.enforced.asking import Identity, client, root_of
from tests.enforced.conftest import HUB_USER, ROLE, World, assumed, external_id, generated_template
from tests.enforced.deployment import deploy

pytestmark = pytest.mark.enforced

PAYER = "555555555555"
"""An account with the generated billing role, and the bucket that it may read."""


@pytest.fixture(scope="module")
def world(emulator: str, hub: Identity) -> World:
    """The emulator and the hub; nothing else is needed here."""
    return World(emulator, hub, {}, ())


@pytest.fixture(scope="module")
def bucket(world: World, tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    template = generated_template("exact", ("sns",), tmp_path_factory.mktemp("billing"), "--kind", "billing")
    parameters = {"BillingBucket": BUCKET, "BillingPrefix": PREFIX}
    deploy(world.url, root_of(PAYER), template, {"TrustedPrincipalArn": HUB_USER, "ExternalId": external_id(PAYER), **parameters})
    s3 = client(world.url, root_of(PAYER), "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket="acme-customers")
    s3.put_object(Bucket="acme-customers", Key=f"{PREFIX}a", Body=b"a customer's")
    filled = Bucket(s3)
    filled.put("private/a", b"a customer's")
    filled.export("costs", "2026-10", [as_csv(focus([Charge("0.1"), Charge("0.2")], "2026-10"))])
    return filled


def flags(to: Path) -> list[str]:
    return ["billing", "--role", ROLE, "--account", PAYER, "--bucket", BUCKET, "--prefix", PREFIX, "--to", str(to)]


def test_the_generated_billing_role_is_enough(world: World, bucket: Bucket, tmp_path: Path) -> None:
    done = world.command(*flags(tmp_path / "out"), COLLECTOR_EXTERNAL_ID=external_id(PAYER))

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / "billing.jsonl").read_text().splitlines()]
    assert sum(Decimal(line["billed_cost"]) for line in lines) == Decimal("0.3")
    assert external_id(PAYER) not in done.stderr


@pytest.mark.parametrize("wrong", [{}, {"COLLECTOR_EXTERNAL_ID": "somebody-elses"}], ids=["without an ExternalId", "with a wrong one"])
def test_without_its_external_id_nothing_is_read(wrong: dict[str, str], world: World, bucket: Bucket, tmp_path: Path) -> None:
    refused = world.command(*flags(tmp_path / "out"), **wrong)

    assert refused.returncode == 2
    said = f"account {PAYER} cannot be entered (sts:AssumeRole: denied: AccessDenied): run `collector preflight`"
    assert refused.stderr.splitlines()[-1] == f"collector: {said}"
    assert "somebody-elses" not in refused.stdout + refused.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def session(world: World, bucket: Bucket) -> Identity:
    return assumed(world.url, world.hub, f"arn:aws:iam::{PAYER}:role/{ROLE}", ExternalId=external_id(PAYER))


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_object", {"Bucket": BUCKET, "Key": "private/a"}),
        ("get_object", {"Bucket": "acme-customers", "Key": f"{PREFIX}a"}),
        ("list_objects_v2", {"Bucket": BUCKET}),
        ("list_objects_v2", {"Bucket": BUCKET, "Prefix": "private/"}),
        ("list_objects_v2", {"Bucket": "acme-customers", "Prefix": PREFIX}),
        ("put_object", {"Bucket": BUCKET, "Key": f"{PREFIX}a", "Body": b""}),
        ("delete_object", {"Bucket": BUCKET, "Key": f"{PREFIX}a"}),
    ],
)
def test_its_role_itself_reaches_nothing_else(
    operation: str, params: dict[str, object], world: World, session: Identity, bucket: Bucket
) -> None:
    s3 = client(world.url, session, "s3")
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["KeyCount"] > 0
    with pytest.raises(ClientError) as refused:
        getattr(s3, operation)(**params)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
