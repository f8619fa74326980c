"""The emulator, and the destinations that every sink's suite runs over."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from tests.sinks.places import Bucket, Folder, Place, Tap


@pytest.fixture(scope="session")
def emulator() -> Iterator[tuple[str, Tap]]:
    """The emulator's URL, and the tap before it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    assert server._server is not None
    server._server.app = tap = Tap(server._server.app)
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}", tap
    server.stop()
    server._server.server_close()


@pytest.fixture
def s3(emulator: tuple[str, Tap], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The URL of an S3 that only this test's environment leads to."""
    url, tap = emulator
    tap.reset()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "runner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "runner")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return url


@pytest.fixture
def bucket(s3: str, emulator: tuple[str, Tap], request: pytest.FixtureRequest) -> Bucket:
    """A bucket of this test's own."""
    return Bucket.made(emulator[1], s3, f"snapshots-{abs(hash(request.node.nodeid))}", {})


KINDS: dict[str, dict[str, Any]] = {
    "folder": {},
    "folder-compressed": {"compress": True},
    "folder-parts": {"part_megabytes": 1},
    "folder-compressed-parts": {"compress": True, "part_megabytes": 1},
    "s3": {},
    "s3-compressed": {"compress": True},
    "s3-parts": {"part_megabytes": 1},
    "s3-large-parts": {"part_megabytes": 9},
}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Each destination that a snapshot can be written to."""
    if request.param.startswith("folder"):
        return Folder(tmp_path, monkeypatch, KINDS[request.param])
    bucket: Bucket = request.getfixturevalue("bucket")
    bucket.options = KINDS[request.param]
    bucket.megabytes = {"s3-parts": 5, "s3-compressed": 27}.get(request.param, 21)
    return bucket
