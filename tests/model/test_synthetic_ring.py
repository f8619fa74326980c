"""The synthetic ring: every spec against made-up but shape-true answers, three pages of two, through the whole path of a run."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from collector.aws.endpoints import PartitionEndpoints
from collector.record import REDACTED, Record, line
from collector.spec.model import Service
from tests.model.in_process import HERE
from tests.model.ring import (
    ARN,
    ONE_PAGE,
    WIDEST,
    HearingServer,
    ServiceReading,
    can_hold_text,
    fits_a_format,
    read_service,
    settings_for_all,
    specs,
)
from tests.model.test_wastage_checks import needed_fields
from tests.synthetic import serving
from tests.synthetic.answer import CANARY

HUB = "222233334444"
"""The account of the credentials that the command starts with."""

UNDOCUMENTED_ARNS: Mapping[str, str] = {
    "AWS::ApplicationInsights::Application": "in the API reference (TagResource), not in the service authorization reference",
    "AWS::DMS::EventSubscription": "es is in the DMS user guide's table of ARNs, not in the service authorization reference",
    "AWS::DMS::ReplicationSubnetGroup": "subgrp likewise",
    "AWS::IAM::Account": "the account itself: its root principal (IAM user guide, IAM ARNs)",
    "AWS::Logs::QueryDefinition": "query definitions have no ARN in any answer or list; this one is in their form",
    "AWS::SES::ReceiptFilter": "receipt filters have no ARN of AWS's; this one is in the form of the rule set's",
    "AWS::SES::ReceiptRuleSet": "receipt-rule-set is in the SES developer guide (aws:SourceArn), not in the authorization reference",
}

GLOBAL_SERVICES = [
    pytest.param(service, id=service.name)
    for service in specs().values()
    if any(each.scope == "global" for each in service.resources.values())
]


@pytest.fixture(scope="module", params=sorted(specs()))
def reading(request: pytest.FixtureRequest) -> ServiceReading:
    """One service, read once for all tests of this file."""
    return anyio.run(read_service, specs()[request.param])


def test_every_listing_is_complete_and_without_gaps(reading: ServiceReading) -> None:
    assert Counter(coverage.resource_type for coverage in reading.coverage) == Counter(
        each.type for each in reading.service.resources.values()
    )
    assert [(coverage.resource_type, coverage.gaps) for coverage in reading.coverage if coverage.gaps or not coverage.complete] == []


def test_every_type_has_records(reading: ServiceReading) -> None:
    assert [each.type for each in reading.service.resources.values() if not reading.records[each.type]] == []
    assert {each.resource_type: each.resources for each in reading.coverage} == {
        type: len(found) for type, found in reading.records.items() if found
    }


def test_every_page_is_read(reading: ServiceReading) -> None:
    assert reading.server.unfinished() == []
    few = [each.type for each in reading.service.resources.values() if len(reading.records[each.type]) < reading.list_pages[each.key]]
    assert few == [], "fewer records than pages"


def test_what_pages_is_read_in_several_pages(reading: ServiceReading) -> None:
    lists = {(each.list.service, each.list.operation) for each in reading.service.resources.values()}
    assert reading.server.in_one_page(reading.service) == lists & ONE_PAGE.keys()


def test_ids_are_there_and_unique(reading: ServiceReading) -> None:
    for type, records in reading.records.items():
        ids = Counter(record.resource_id for record in records)
        assert all(ids), f"{type}: an empty id"
        assert [id for id, count in ids.items() if count > 1] == [], f"{type}: the same id twice"
        arns = Counter(record.arn for record in records if record.arn is not None)
        assert [arn for arn, count in arns.items() if count > 1] == [], f"{type}: the same ARN twice"


def test_arns_are_well_formed(reading: ServiceReading) -> None:
    for record in reading.every_record():
        if record.arn is not None:
            assert ARN.fullmatch(record.arn), f"{record.resource_type}: {record.arn}"
    with_arn = {each.type for each in reading.service.resources.values() if each.arn}
    assert {record.resource_type for record in reading.every_record() if record.arn is not None} == with_arn
    assert [record.resource_type for record in reading.every_record() if record.resource_type in with_arn and record.arn is None] == []


def test_children_name_their_parents(reading: ServiceReading) -> None:
    resources = reading.service.resources
    with_known_parent = {each.type for each in resources.values() if each.parent and resources[each.parent].arn}
    assert {record.resource_type for record in reading.every_record() if record.parent_arn is None} & with_known_parent == set()


def test_every_field_that_a_spec_fills_is_filled(reading: ServiceReading) -> None:
    empty = []
    for resource in reading.service.resources.values():
        records = reading.records[resource.type]
        fields = {"name": resource.name, "created_at": resource.created, "state": resource.state, "tags": resource.tags}
        empty += [
            f"{resource.key}.{field}" for field, written in fields.items() if written and not any(getattr(each, field) for each in records)
        ]
        empty += [
            f"{resource.key}.get.{name}" for name in resource.get if not any(each.supplementary.get(name) is not None for each in records)
        ]
    assert empty == []


def test_what_checks_need_is_written(reading: ServiceReading) -> None:
    """The same fields as in test_wastage_checks.py, which looks at shapes; here they are looked for in what is written."""
    missing = []
    for type, fields in needed_fields().items():
        records = [json.loads(line(record)) for record in reading.records.get(f"AWS::{type}", ())]
        if records:
            missing += [f"{type} {field}" for field in sorted(fields) if not any(map(partial(_is_written, field), records))]
    assert missing == []


def _is_written(field: str, record: Mapping[str, Any]) -> bool:
    """Whether some value of *field* is in *record* and is not redacted."""
    names = field.split(".")
    values = [record if names[0] in ("arn", "tags", "supplementary") else record["configuration"]]
    for name in names:
        flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
        values = [each[name] for each in flat if isinstance(each, dict) and each.get(name) is not None]
    return any(value != REDACTED for value in values)


def test_no_planted_secret_is_written_or_logged(reading: ServiceReading) -> None:
    records: list[Record] = [*reading.every_record(), *reading.coverage]
    written = b"".join(map(line, records)).decode()
    secrets = reading.server.secrets(reading.service)
    shown = {mark: _around(written, mark) for mark in set(CANARY.findall(written)) & secrets}
    assert shown == {}
    assert set(CANARY.findall(repr(reading.log))) & secrets == set()


def test_every_secret_was_planted(reading: ServiceReading) -> None:
    """Without this the test above could pass because there was nothing to show."""
    heard = {(each.operation, path) for each in reading.server.heard for path in each.canaries.values()}
    asked = {each.operation for each in reading.server.heard}
    missing = [
        (operation, path)
        for _, operation, path in sorted(reading.server.settings.canaries)
        if operation in asked
        and can_hold_text(reading.service.name, operation, path)
        and not any(name == operation and f"{at}.".startswith(f"{path}.") for name, at in heard)
    ]
    assert missing == []


@pytest.mark.parametrize("service", GLOBAL_SERVICES)
def test_a_service_of_global_scope_is_asked_where_it_is(service: Service) -> None:
    endpoints = PartitionEndpoints(HERE.partition)
    homes = {endpoints.home(service.name, each.home) for each in service.resources.values() if each.scope == "global"}
    assert [home for home in homes if not endpoints.serves(service.name, home)] == []


def _literal_arns() -> Iterator[tuple[str, str]]:
    for service in specs().values():
        for resource in service.resources.values():
            if resource.arn and resource.arn.startswith("arn:"):
                yield resource.type, resource.arn


@pytest.mark.parametrize(("type", "template"), [pytest.param(*each, id=each[0]) for each in _literal_arns()])
def test_arns_we_write_have_a_form_that_aws_documents(type: str, template: str) -> None:
    assert fits_a_format(template, template.split(":")[2]) != (type in UNDOCUMENTED_ARNS), template


NAMES_WITH_ACCOUNTS = """
import socket, sys
known = socket.getaddrinfo
def getaddrinfo(host, *rest, **more):
    return known("127.0.0.1" if str(host).endswith("localhost") else host, *rest, **more)
socket.getaddrinfo = getaddrinfo
from collector.__main__ import main
sys.exit(main())
"""
"""The command, where S3 Control's host names, which begin with the account (111122223333.localhost), lead to loopback."""


@pytest.mark.slow
async def test_a_whole_run_over_http_reads_every_type_and_shows_no_secret(tmp_path: Path) -> None:
    server = HearingServer(settings_for_all(specs()))
    async with serving(server=server) as running:
        asked = ("run", "-v", "--to", "out", "--role", "Inventory", "--account", HERE.account_id, "--region", WIDEST)
        environment = {
            "AWS_ACCESS_KEY_ID": f"AKIA{HUB}TEST",
            "AWS_SECRET_ACCESS_KEY": "a-key-of-nobody",
            "AWS_ENDPOINT_URL": running.url,
            "AWS_ENDPOINT_URL_S3_CONTROL": running.url.replace("127.0.0.1", "localhost"),
            "AWS_REGION": WIDEST,
            "COLLECTOR_EXTERNAL_ID": "an-external-id",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        ended = await anyio.run_process([sys.executable, "-c", NAMES_WITH_ACCOUNTS, *asked], env=environment, cwd=tmp_path, check=False)
    told = (ended.stdout + ended.stderr).decode()
    assert ended.returncode in (0, 3), told[-3000:]
    coverage = [json.loads(text) for text in (tmp_path / "out" / "coverage.jsonl").read_text().splitlines()]
    elsewhere = {each["resource_type"] for each in coverage if {gap["kind"] for gap in each["gaps"]} == {"unavailable"}}
    assert len({each["service"] for each in coverage if each["resource_type"] in elsewhere}) < 3
    assert [each for each in coverage if each["resource_type"] not in elsewhere and (each["gaps"] or not each["resources"])] == []
    assert {each.type for service in specs().values() for each in service.resources.values()} == {
        each["resource_type"] for each in coverage
    }
    read = [json.loads(text) for text in (tmp_path / "out" / "resources.jsonl").read_text().splitlines()]
    ids = Counter((each["resource_type"], each["region"], each["resource_id"]) for each in read)
    assert [id for id, count in ids.items() if count > 1 or not id[-1]] == []
    assert [each["arn"] for each in read if each["arn"] is not None and not ARN.fullmatch(each["arn"])] == []
    assert server.stats.unrouted_requests == []
    assert server.unfinished() == []
    assert server.in_one_page(*specs().values()) - ONE_PAGE.keys() == set()
    secrets = server.secrets(*specs().values())
    written = told + "".join(file.read_text() for file in (tmp_path / "out").iterdir())
    assert {mark: _around(written, mark) for mark in set(CANARY.findall(written)) & secrets} == {}


def _around(text: str, mark: str) -> str:
    """Where *mark* was found, for the one who has to mend the spec."""
    at = text.index(mark)
    return text[max(0, at - 120) : at + 40]
