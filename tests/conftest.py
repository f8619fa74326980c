"""What every test starts from."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_as_it_comes() -> Iterator[None]:
    """The command line sets up logging for its process; the next test in this one must not inherit it."""
    yield
    structlog.reset_defaults()
