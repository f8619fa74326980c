"""What every test starts from, and which rings are slow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from botocore import handlers
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent
SLOW = (
    "aws",
    "faults",
    "http",
    "model/test_canaries.py",
    "model/test_examples.py",
    "model/test_parse.py",
    "model/test_synthetic_ring.py",
    "model/test_synthetic_server.py",
    "pure/test_iam_policy.py",
    "pure/test_iam_template.py",
    "sinks",
)
"""Rings that take minutes: servers over HTTP, whole answers of every call of a spec, and other people's linters."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(ROOT).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    # Where files run abreast, the long ones begin first, and no core waits at the end for one that began last.
    items.sort(key=lambda item: not any(item.get_closest_marker(mark) for mark in ("moto", "enforced", "slow")))


class FilesAbreast(LoadScopeScheduling):
    """A file stays in one process; the enforced ring as a whole, for its emulator and all that is made in it take most of its time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/enforced" if file.startswith("tests/enforced/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesAbreast:
    return FilesAbreast(config, log)


@pytest.fixture(autouse=True)
def botocore_as_it_comes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing moto puts a handler of its own into every session of the process. Only tests that mock AWS in process want it."""
    if "mock_aws" not in vars(request.module):
        own = [each for each in handlers.BUILTIN_HANDLERS if not type(each[1]).__module__.startswith("moto")]
        monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", own)


@pytest.fixture(autouse=True)
def logging_as_it_comes() -> Iterator[None]:
    """The command line sets up logging for its process; the next test in this one must not inherit it."""
    yield
    structlog.reset_defaults()
