"""Filling braces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.template import fill, fill_all, references

KNOWN = {
    "partition": "aws",
    "region": "eu-west-1",
    "Name": "logs",
    "State": {"Name": "running", "Code": 16},
    "n": 0,
    "Id": "/hostedzone/Z1",
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("arn:{partition}:s3:::{Name}", "arn:aws:s3:::logs"),
        ("{State.Name}", "running"),
        ("{State}", {"Name": "running", "Code": 16}),
        ("{State.Code}", 16),
        ("{n}", 0),
        ("n{n}", "n0"),
        ("plain", "plain"),
        ("{Missing}", None),
        ("arn:{Missing}:x", None),
        ("{State.Missing.Deeper}", None),
        ("{Name.Missing}", None),
        ("{Id.name}", "Z1"),
        ("{Id.id}", "hostedzone/Z1"),
    ],
)
def test_a_template_is_filled_or_comes_to_nothing(template: str, filled: object) -> None:
    assert fill(template, KNOWN) == filled


def test_the_parts_of_an_arn_are_known() -> None:
    known = {"arn": "arn:aws:iam::111122223333:role/team/deploy"}

    assert [fill(f"{{arn.{part}}}", known) for part in ("name", "id", "resource")] == ["deploy", "team/deploy", "role/team/deploy"]


def test_tables_and_lists_keep_their_shape() -> None:
    assert fill_all({"a": ["{Name}", 1, True], "b": {"c": "{n}"}}, KNOWN) == {"a": ["logs", 1, True], "b": {"c": 0}}


def test_every_reference_inside_is_found() -> None:
    assert sorted(references({"a": ["{x.y}", "{z}{w}"], "b": 1})) == [("w",), ("x", "y"), ("z",)]


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.dictionaries(st.text(), st.text())))
def test_no_template_and_nothing_known_can_break_it(template: str, known: dict[str, object]) -> None:
    fill(template, known)
