"""botocore's own example answers, read through the specs, give the golden records. `scripts/make-golden-records` writes them."""

import json
from collections import Counter

import anyio
import pytest

from collector.spec.model import Service
from tests.model.examples import GOLDEN, examples_of, golden_text, read_examples, spec_examples, with_examples
from tests.model.ring import specs

LEFT_OUT = {"AWS::Lambda::Version": "The example of ListFunctions shows functions as they are now, which are not versions."}
"""Types whose spec leaves out all that the example has, each with its reason."""

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

    with_example = {each.type for each in service.resources.values() if any(call.operation in examples for call in each.calls())}
    assert with_example - LEFT_OUT.keys() == set(written)


def test_there_is_no_golden_file_too_many() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == {service.name for service in with_examples(specs())}
