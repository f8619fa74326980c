"""What is special about S3: uploads, checksums, keys, and the many ways in which it says no."""

import base64
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from structlog.testing import capture_logs

from collector.errors import SinkError
from collector.sink import open_sink
from collector.sink.bucket import PARTS_OF_ONE_SIZE, UPLOAD_BYTES, read_url, upload_bytes
from collector.sink.stream import BUFFERED
from tests.sinks.lines import coverage, pages, resource
from tests.sinks.places import Asked, Bucket

MULTIPART = 21


async def taken(bucket: Bucket, megabytes: float = 0, name: str = "new") -> None:
    """A snapshot of one task, or of so many megabytes."""
    async with bucket.sink(name) as sink:
        if megabytes:
            for page in pages(megabytes):
                await sink.write(page)
        else:
            await sink.write([resource("task", 0, ""), coverage("task", 1)])
        await sink.finish({})


def calls(bucket: Bucket) -> list[str]:
    return [f"{asked.call} {asked.path.rpartition('/')[2]}" for asked in bucket.tap.asked]


async def test_small_files_are_one_put_each_and_the_manifest_is_the_last(bucket: Bucket) -> None:
    await taken(bucket)
    assert calls(bucket) == [
        f"ListObjectsV2 {bucket.name}",
        "CreateMultipartUpload manifest.json",
        "AbortMultipartUpload manifest.json",
        "PutObject resources.jsonl",
        "PutObject coverage.jsonl",
        "PutObject manifest.json",
    ]


async def test_large_files_are_uploaded_in_parts_of_eight_megabytes(bucket: Bucket) -> None:
    await taken(bucket, MULTIPART)
    sizes = [asked.size for asked in bucket.tap.asked if asked.call == "UploadPart"]
    assert len(sizes) == 3
    assert all(UPLOAD_BYTES <= size <= UPLOAD_BYTES + BUFFERED + 300_000 for size in sizes[:-1])
    assert calls(bucket)[-3:] == ["CompleteMultipartUpload resources.jsonl", "PutObject coverage.jsonl", "PutObject manifest.json"]


def test_ten_thousand_parts_hold_two_hundred_gigabytes_and_none_needs_more_than_32_megabytes() -> None:
    sizes = [upload_bytes(parts) for parts in range(4 * PARTS_OF_ONE_SIZE)]
    assert len(sizes) == 10_000
    assert sum(sizes) > 200e9
    assert max(sizes) <= 32 << 20


async def test_every_object_carries_its_sha256(bucket: Bucket) -> None:
    await taken(bucket, MULTIPART)
    sent = [asked for asked in bucket.tap.asked if asked.call in ("PutObject", "UploadPart")]
    assert all(asked.headers["x-amz-sdk-checksum-algorithm"] == "SHA256" for asked in sent)
    for name in ("coverage.jsonl", "manifest.json"):
        digest = base64.b64encode(hashlib.sha256(bucket.files()[name]).digest()).decode()
        assert [asked.headers["x-amz-checksum-sha256"] for asked in sent if asked.path.endswith(name)] == [digest]
    whole, at = bucket.files()["resources.jsonl"], 0
    for asked in sent:
        if asked.call == "UploadPart":
            digest = base64.b64encode(hashlib.sha256(whole[at : at + asked.size]).digest()).decode()
            assert asked.headers["x-amz-checksum-sha256"] == digest
            at += asked.size
    assert at == len(whole)


async def test_nothing_that_is_there_is_ever_written_over(bucket: Bucket) -> None:
    await taken(bucket, MULTIPART)
    making = [asked for asked in bucket.tap.asked if asked.call in ("PutObject", "CompleteMultipartUpload")]
    assert [asked.headers.get("if-none-match") for asked in making] == ["*"] * 3


async def test_second_run_into_the_same_prefix_leaves_the_first_one_s_files(bucket: Bucket) -> None:
    with pytest.raises(SinkError, match=r"PutObject: PreconditionFailed: coverage.jsonl is there already: another run writes here"):
        await _overtaken(bucket)
    assert bucket.files()["coverage.jsonl"] == b"theirs"
    assert "manifest.json" not in bucket.files()


async def _overtaken(bucket: Bucket) -> None:
    async with bucket.sink() as sink:
        bucket.put("new", "coverage.jsonl", b"theirs")
        await sink.finish({})


async def test_a_run_whose_prefix_another_one_has_taken_up_publishes_nothing(bucket: Bucket) -> None:
    """Yesterday's run is still at it when today's begins with --resume."""
    async with bucket.sink() as yesterday:
        assert await yesterday.begin({"specs": "x"}) is None
        await yesterday.write([resource("task", 0, ""), coverage("task", 1)])

        bucket.options = {"resume": True}
        async with bucket.sink() as today:
            begun = await today.begin({"specs": "x"})
            assert begun is not None
            assert begun["specs"] == "x"
            await today.resume(lambda _: True)

            with pytest.raises(SinkError, match="another run has taken up what this one began"):
                await yesterday.finish({})
            assert "manifest.json" not in bucket.files()


async def test_who_only_looked_takes_nothing_away(bucket: Bucket) -> None:
    """A --resume that asks for something else is refused, and the run that is at it goes on."""
    async with bucket.sink() as ours:
        await ours.begin({"specs": "x"})
        bucket.options = {"resume": True}
        async with bucket.sink() as other:
            await other.begin({"specs": "y"})

        await ours.finish({})

    assert "manifest.json" in bucket.files()


KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ENCRYPTION = "x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("kms_key", "algorithm", "key"),
    [(None, None, None), ("AES256", "AES256", None), (KEY, "aws:kms", KEY), ("alias/ours", "aws:kms", "alias/ours")],
)
async def test_every_object_is_encrypted_as_asked(bucket: Bucket, kms_key: str | None, algorithm: str | None, key: str | None) -> None:
    bucket.options = {"kms_key": kms_key}
    await taken(bucket, MULTIPART)
    making = [asked.headers for asked in bucket.tap.asked if asked.call in ("PutObject", "CreateMultipartUpload")]
    assert len(making) == 4
    assert {headers.get(ENCRYPTION) for headers in making} == {algorithm}
    assert {headers.get(f"{ENCRYPTION}-aws-kms-key-id") for headers in making} == {key}


async def test_missing_permission_is_told_before_anything_is_written(bucket: Bucket) -> None:
    bucket.tap.refuse = lambda asked: asked.call != "ListObjectsV2"
    with pytest.raises(SinkError) as raised:
        await taken(bucket)
    assert str(raised.value) == f"s3://{bucket.name}/some/new cannot be written: CreateMultipartUpload: AccessDenied: not allowed"
    assert len(bucket.tap.asked) == 2


async def test_prefix_that_may_not_be_listed_is_told(bucket: Bucket) -> None:
    bucket.tap.refuse = lambda asked: True
    with pytest.raises(SinkError, match=r"some/new cannot be written: ListObjectsV2: AccessDenied: not allowed$"):
        await taken(bucket)


async def test_missing_bucket_is_told_with_aws_s_code(s3: str) -> None:
    with pytest.raises(
        SinkError, match=r"^s3://no-such-bucket/new cannot be written: ListObjectsV2: NoSuchBucket: The specified bucket does not exist$"
    ):
        async with open_sink("s3://no-such-bucket/new"):
            pass


async def test_mark_that_the_console_makes_for_a_folder_is_no_content(bucket: Bucket) -> None:
    bucket.put("new", "", b"")
    await taken(bucket)
    assert "manifest.json" in bucket.files()


async def test_neighbour_with_a_longer_name_is_no_content(bucket: Bucket) -> None:
    await taken(bucket, name="new-2")
    await taken(bucket, name="new")
    assert "manifest.json" in bucket.files("new")


async def test_snapshot_at_the_root_of_an_empty_bucket(bucket: Bucket) -> None:
    async with open_sink(f"s3://{bucket.name}") as sink:
        await sink.finish({})
    with pytest.raises(SinkError, match=r"is not empty .coverage.jsonl."):
        async with open_sink(f"s3://{bucket.name}/"):
            pass


@pytest.fixture
def closed_port() -> Iterator[str]:
    """The URL of a port that nobody listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


async def test_s3_that_does_not_answer_is_one_clear_line(s3: str, closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", closed_port)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SinkError, match=r"^s3://bucket/new cannot be written: EndpointConnectionError: .*127\.0\.0\.1.*$"):
        async with open_sink("s3://bucket/new"):
            pass


async def test_connection_lost_in_the_middle_is_one_clear_line(bucket: Bucket, closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    bucket.tap.refuse = _unplugged
    with pytest.raises(SinkError, match=r"^s3://[^\n]* cannot be written: [A-Z]\w+: [^\n]+$"):
        await taken(bucket, MULTIPART)
    assert bucket.files() == {}
    bucket.tap.reset()
    assert bucket.left_open() == []


def _unplugged(asked: Asked) -> bool:
    if asked.call == "UploadPart" and asked.query["partNumber"] == ["2"]:
        raise ConnectionResetError
    return False


async def test_upload_that_cannot_be_aborted_is_logged_and_does_not_hide_the_error(bucket: Bucket) -> None:
    bucket.tap.refuse = lambda asked: "resources" in asked.path and asked.call in ("AbortMultipartUpload", "CompleteMultipartUpload")
    with capture_logs() as logs, pytest.raises(SinkError, match="CompleteMultipartUpload: AccessDenied"):
        await taken(bucket, MULTIPART)
    assert [(each["event"], each["file"]) for each in logs] == [("upload.left_open", "resources.jsonl")]
    assert bucket.left_open() == ["some/new/resources.jsonl"]


async def test_general_endpoint_setting_is_honoured(bucket: Bucket, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    await taken(bucket)
    assert "manifest.json" in bucket.files()


async def test_profile_s_credentials_sign(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[ours]\naws_access_key_id = OURS\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    bucket.options = {"profile": "ours"}
    await taken(bucket)
    assert all("Credential=OURS/" in asked.headers["authorization"] for asked in bucket.tap.asked)


async def test_unknown_profile_is_one_clear_line(bucket: Bucket) -> None:
    bucket.options = {"profile": "nobody"}
    with pytest.raises(SinkError, match=r"some/new cannot be written: The config profile \(nobody\) could not be found$"):
        await taken(bucket)


async def test_missing_credentials_are_one_clear_line(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SinkError, match=r"some/new cannot be written: NoCredentialsError: Unable to locate credentials$"):
        await taken(bucket)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://my.bucket-1/a", ("my.bucket-1", "a/")),
        ("s3://bucket/größe/dt=2026-11-23/", ("bucket", "größe/dt=2026-11-23/")),
    ],
)
def test_url_is_bucket_and_prefix(url: str, place: tuple[str, str]) -> None:
    assert read_url(url) == place


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("s3://", '"" is not the name of a bucket'),
        ("s3:///prefix", '"" is not the name of a bucket'),
        ("s3://b/prefix", '"b" is not the name of a bucket'),
        ("s3://Bucket/prefix", '"Bucket" is not the name of a bucket'),
        ("s3://buck*/prefix", '"buck*" is not the name of a bucket'),
        ("s3://bucket/pre*", '"pre*" cannot stand in the prefix'),
        ("s3://bucket/a?versionId=1", '"a?versionId=1" cannot stand in the prefix'),
        ("s3://bucket//a", '"" cannot stand in the prefix'),
        ("s3://bucket/a//", '"" cannot stand in the prefix'),
        ("s3://bucket/a/../b", '".." cannot stand in the prefix'),
        ("s3://bucket/a\nb", "cannot stand in the prefix"),
        ("s3://bucket/" + "a" * 901, "the prefix is longer than 900 bytes"),
    ],
)
def test_bad_url_is_refused_before_anything_is_asked(url: str, seen: str) -> None:
    with pytest.raises(SinkError) as raised:
        open_sink(url)
    assert seen in str(raised.value)


async def test_client_is_closed_however_it_ends(bucket: Bucket) -> None:
    """Warnings are errors here: a session that is not closed warns when it is collected."""
    with pytest.raises(ClientError):
        async with bucket.sink():
            _missing(bucket.client)


def _missing(client: Any) -> None:
    client.get_object(Bucket="no-such-bucket", Key="none")
