"""botocore's own example answers, read through the specs, give the golden records. `scripts/make-golden-records` writes them."""

import json
from collections import Counter

import anyio
import pytest

from collector.spec.model import Service
from tests.model.examples import GOLDEN, examples_of, golden_text, read_examples, spec_examples, with_examples
from tests.model.ring import specs

WITH_EXAMPLES = [pytest.param(service, id=service.name) for service in with_examples(specs())]


@pytest.mark.parametrize("service", WITH_EXAMPLES)
def test_examples_give_the_golden_records(service: Service) -> None:
    records, used = anyio.run(read_examples, service)

    assert used == spec_examples(service), "an example was never asked for"
    assert golden_text(records) == (GOLDEN / f"{service.name}.json").read_text(encoding="utf-8"), (
        "if it is right: scripts/make-golden-records"
    )


@pytest.mark.parametrize("service", WITH_EXAMPLES)
def test_every_type_with_an_example_has_a_golden_record(service: Service) -> None:
    examples = examples_of(service.name)
    written = Counter(record["resource_type"] for record in json.loads((GOLDEN / f"{service.name}.json").read_text(encoding="utf-8")))

    assert {each.type for each in service.resources.values() if any(call.operation in examples for call in each.calls())} == set(written)


def test_there_is_no_golden_file_too_many() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == {service.name for service in with_examples(specs())}
