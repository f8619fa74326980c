"""What the tests against AWS's models share."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="package")
def few_collections() -> Iterator[None]:
    """AWS's models, millions of objects without a cycle, stay from test to test; looking through all of them takes a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 1_000)
    yield
    gc.set_threshold(*before)
