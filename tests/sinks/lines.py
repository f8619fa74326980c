"""Records for the sinks to write, and what may be said of files at any instant."""

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import zstandard

from collector.record import CoverageRecord, Record, ResourceRecord, line

MOMENT = "2026-11-23T18:29:58.799Z"


def resource(scan_id: str, number: int, filling: str) -> ResourceRecord:
    return ResourceRecord(
        account_id="111122223333",
        arn=f"arn:aws:sqs:eu-west-1:111122223333:{number}",
        configuration={"Filling": filling, "Name": "größer"},
        created_at=None,
        name=str(number),
        observed_at=MOMENT,
        parent_arn=None,
        partition="aws",
        region="eu-west-1",
        resource_id=str(number),
        resource_type="AWS::SQS::Queue",
        scan_id=scan_id,
        service="sqs",
        state=None,
        supplementary={},
        tags={},
    )


def coverage(scan_id: str, resources: int) -> CoverageRecord:
    return CoverageRecord(
        account_id="111122223333",
        calls=1,
        complete=True,
        gaps=(),
        observed_at=MOMENT,
        partition="aws",
        region="eu-west-1",
        resource_type="AWS::SQS::Queue",
        resources=resources,
        retries=0,
        scan_id=scan_id,
        seconds=0.25,
        service="sqs",
    )


def pages(megabytes: float, *, tasks: int = 20, seed: int = 0) -> Iterator[list[Record]]:
    """What a run writes: about *megabytes* of resources that hardly compress, two tasks at a time, coverage after each task's own."""
    random = Random(seed)
    filling = int(megabytes * 1_000_000 / tasks / 6 * 3 / 4)
    for task in range(0, tasks, 2):
        pair = f"task-{task}", f"task-{task + 1}"
        for half in range(3):
            for scan_id in pair:
                yield [resource(scan_id, half * 2 + k, b64encode(random.randbytes(filling)).decode()) for k in range(2)]
        yield [coverage(pair[1], 6)]
        yield [resource(pair[0], 6, ""), coverage(pair[0], 7)]


def stream(records: Iterator[list[Record]], kind: type[Record]) -> bytes:
    """The lines of one kind as they should come back."""
    return b"".join(line(record) for page in records for record in page if isinstance(record, kind))


def lines(files: Mapping[str, bytes], kind: str) -> bytes:
    """The lines of all files of one kind, as far as they were written."""
    return b"".join(_plain(name, files[name]) for name in sorted(files) if name.startswith(kind))


def _plain(name: str, stored: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(stored) if name.endswith(".zst") else stored


def untrue(files: Mapping[str, bytes]) -> list[str]:
    """What *files*, read at this instant, claim and should not: coverage of missing resources, a manifest of missing files."""
    whole = lines(files, "resources").rpartition(b"\n")[0].splitlines()
    there = Counter(json.loads(each)["scan_id"] for each in whole)
    claims = [json.loads(each) for each in lines(files, "coverage").rpartition(b"\n")[0].splitlines()]
    wrong = [
        f"{claim['scan_id']}: {there[claim['scan_id']]} of {claim['resources']} resources are there"
        for claim in claims
        if there[claim["scan_id"]] != claim["resources"]
    ]
    if "manifest.json" in files:
        wrong += [f"{each['name']} is not as listed" for each in listed(files) if each != described(files, each["name"])]
    return wrong


def listed(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(files["manifest.json"])["files"]
    return entries


def described(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """What a manifest should say of a file."""
    stored = files.get(name, b"")
    return {
        "bytes": len(stored),
        "lines": _plain(name, stored).count(b"\n"),
        "name": name,
        "sha256": hashlib.sha256(stored).hexdigest(),
    }
