"""Pruned models: a client made from one asks and reads as a client made from the whole model does, and knows nothing else."""

from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from collector.aws import models
from collector.spec.reader import read_spec

SPECS = sorted((Path(__file__).parents[2] / "service_specs").glob("*.toml"))
WHOLE = Loader()
LEFT_OUT = {"documentation", "enum", "pattern", "max", "sensitive", "deprecated", "deprecatedMessage", "deprecatedSince"}


def operations_of(path: Path) -> set[str]:
    return {
        call.operation
        for family in read_spec(path.stem, path.read_text()).families()
        for call in family.calls()
        if call.service == path.stem
    }


def described(shape: Shape | None, above: frozenset[str] = frozenset()) -> Any:
    """All that serialisers and parsers read of a shape, and of the shapes that it leads to."""
    if shape is None or shape.name in above:
        return shape.name if shape is not None else None
    above |= {shape.name}
    traits = {name: value for name, value in shape.metadata.items() if name not in LEFT_OUT}
    below = {
        **{name: described(member, above) for name, member in getattr(shape, "members", {}).items()},
        **{role: described(getattr(shape, role, None), above) for role in ("member", "key", "value")},
    }
    return shape.name, shape.type_name, dict(shape.serialization), traits, below


@pytest.mark.parametrize("path", SPECS, ids=[path.stem for path in SPECS])
def test_a_pruned_model_says_the_same_of_what_is_left(path: Path) -> None:
    service, wanted = path.stem, operations_of(path)
    pruned = ServiceModel(models.loader({service: wanted}).load_service_model(service, "service-2"), service)
    whole = ServiceModel(WHOLE.load_service_model(service, "service-2"), service)
    finders = {name for name in whole.operation_names if whole.operation_model(name).is_endpoint_discovery_operation}

    assert set(pruned.operation_names) == wanted | finders
    assert pruned.metadata == whole.metadata
    for name in pruned.operation_names:
        ours, theirs = pruned.operation_model(name), whole.operation_model(name)
        assert described(ours.input_shape) == described(theirs.input_shape), name
        assert described(ours.output_shape) == described(theirs.output_shape), name
        for trait in ("http", "auth_type", "resolved_auth_type", "unsigned_payload", "endpoint", "http_checksum", "endpoint_discovery"):
            assert getattr(ours, trait) == getattr(theirs, trait), (name, trait)
        for each in ("static_context_parameters", "context_parameters", "operation_context_parameters", "idempotent_members"):
            assert [vars(one) if hasattr(one, "__dict__") else one for one in getattr(ours, each)] == [
                vars(one) if hasattr(one, "__dict__") else one for one in getattr(theirs, each)
            ], (name, each)


@pytest.mark.parametrize("path", SPECS, ids=[path.stem for path in SPECS])
def test_metadata_is_read_without_the_model(path: Path) -> None:
    assert models.metadata(path.stem) == WHOLE.load_service_model(path.stem, "service-2")["metadata"]


def test_every_shape_of_a_pruned_model_has_a_type() -> None:
    # RDS's extras add members to shapes of operations that are not wanted.
    found = models.loader({"rds": {"DescribeDBInstances"}}).load_service_model("rds", "service-2")

    assert all("type" in shape for shape in found["shapes"].values())
    assert list(ServiceModel(found, "rds").error_shapes) == []


def test_a_member_may_have_the_name_of_a_trait_that_is_left_out() -> None:
    model = {
        "metadata": {},
        "operations": {"ListRules": {"name": "ListRules", "output": {"shape": "Rules"}}},
        "shapes": {
            "Rules": {"type": "structure", "members": {"pattern": {"shape": "Text", "documentation": "words"}, "max": {"shape": "Text"}}},
            "Text": {"type": "string", "pattern": ".*", "enum": ["a"]},
            "Unreached": {"type": "string"},
        },
    }

    assert models.pruned(model, {"ListRules"})["shapes"] == {
        "Rules": {"type": "structure", "members": {"pattern": {"shape": "Text"}, "max": {"shape": "Text"}}},
        "Text": {"type": "string"},
    }


def test_a_service_that_is_not_named_is_kept_whole() -> None:
    found = models.loader({"sns": {"ListTopics"}}).load_service_model("sts", "service-2")

    assert len(found["operations"]) == len(WHOLE.load_service_model("sts", "service-2")["operations"])


def test_a_model_of_ones_own_comes_before_botocores(tmp_path: Path) -> None:
    folder = tmp_path / "sts" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata":{"protocol":"query"},"operations":{"GetCallerIdentity":{},"Own":{}},"shapes":{}}')

    found = models.loader({"sts": {"Own"}}, str(tmp_path)).load_service_model("sts", "service-2")

    assert list(found["operations"]) == ["Own"]
