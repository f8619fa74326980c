"""Item -> record."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.normalise import compiled, items_of, moment, redacted, searched, tag_map
from collector.record import ResourceRecord, line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([{"Key": "team", "Value": "billing"}], {"team": "billing"}),
        ([{"key": "team", "value": "billing"}], {"team": "billing"}),
        ([{"TagKey": "team", "TagValue": "billing"}], {"team": "billing"}),
        ([{"tagKey": "team", "tagValue": "billing"}], {"team": "billing"}),
        ({"team": "billing"}, {"team": "billing"}),
        ([{"team": "billing"}, {"stage": "test"}], {"team": "billing", "stage": "test"}),
        ([{"Key": "empty"}], {"empty": ""}),
        ([], {}),
        (None, {}),
    ],
)
def test_tags_come_in_many_forms(tags: Any, expected: dict[str, str]) -> None:
    assert tag_map(tags) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Environment.Variables.*", {"Environment": {"Variables": {"A": "<redacted>", "B": "<redacted>"}}, "Name": "f"}),
        ("Environment.Variables.A", {"Environment": {"Variables": {"A": "<redacted>", "B": "2"}}, "Name": "f"}),
        ("Environment", {"Environment": "<redacted>", "Name": "f"}),
        ("Missing.Path", {"Environment": {"Variables": {"A": "1", "B": "2"}}, "Name": "f"}),
        ("Name.Deeper", {"Environment": {"Variables": {"A": "1", "B": "2"}}, "Name": "f"}),
        ("@", "<redacted>"),
    ],
)
def test_a_path_is_redacted_and_its_keys_stay(path: str, expected: Any) -> None:
    value = {"Environment": {"Variables": {"A": "1", "B": "2"}}, "Name": "f"}

    assert redacted(value, tuple(path.split("."))) == expected


def test_lists_are_passed_through() -> None:
    value = [{"containers": [{"environment": [{"name": "A", "value": "1"}, {"name": "B"}]}]}]

    assert redacted(value, ("containers", "environment", "value")) == [
        {"containers": [{"environment": [{"name": "A", "value": "<redacted>"}, {"name": "B"}]}]}
    ]


def test_nothing_stays_nothing() -> None:
    assert redacted({"UserData": None}, ("UserData",)) == {"UserData": None}


@given(JSON, st.lists(st.text() | st.just("*"), max_size=4))
def test_redaction_and_writing_never_break(value: Any, path: list[str]) -> None:
    assert line(record(redacted(value, tuple(path)))).endswith(b"}\n")


def record(configuration: Any) -> ResourceRecord:
    nothing: dict[str, Any] = dict.fromkeys(("arn", "created_at", "name", "parent_arn", "state"))
    told = dict.fromkeys(("account_id", "observed_at", "partition", "region", "resource_id", "resource_type", "scan_id", "service"), "x")
    return ResourceRecord(**nothing, **told, configuration=configuration, supplementary={}, tags={})


ANSWERS = st.recursive(st.none() | st.integers(), lambda below: st.lists(below) | st.dictionaries(st.just("b"), below))


@given(st.sampled_from(["a", "b", "a[]", "b[]", "a.b", "a[].b", "length(a)"]), st.dictionaries(st.sampled_from("ab"), ANSWERS))
def test_what_is_searched_is_what_jmespath_says(expression: str, value: dict[str, Any]) -> None:
    if expression == "length(a)":
        value["a"] = [1, 2]

    assert searched(expression, value) == compiled(expression).search(value)


@given(
    st.dictionaries(
        st.sampled_from("abc"),
        st.recursive(st.just("secret"), lambda below: st.lists(below) | st.dictionaries(st.sampled_from("abc"), below)),
    )
)
def test_what_lies_at_the_path_is_gone(value: dict[str, Any]) -> None:
    after = redacted(value, ("a",))

    assert "secret" not in str(after.get("a"))


def test_a_blob_becomes_its_length() -> None:
    blobs = {"a": [b"123"], "b": {"c": b""}}
    lengths = {"a": [{"bytes": 3}], "b": {"c": {"bytes": 0}}}

    assert line(record(blobs)) == line(record(lengths))
    assert line(record({**blobs, "huge": 2**70})) == line(record({**lengths, "huge": str(2**70)}))


def test_a_key_that_is_no_text_becomes_text() -> None:
    assert line(record({"by_port": {443: {"open": True}}})) == line(record({"by_port": {"443": {"open": True}}}))


def test_a_moment_is_written_as_text() -> None:
    at = datetime(2026, 11, 23, 18, 0, tzinfo=timezone(timedelta(hours=2)))

    assert line(record({"at": at})) == line(record({"at": "2026-11-23T16:00:00.000Z"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 11, 23, 18, 0, tzinfo=timezone(timedelta(hours=2))), "2026-11-23T16:00:00.000Z"),
        ("2026-11-23T18:29:58.799+0000", "2026-11-23T18:29:58.799Z"),
        ("2026-11-23T18:29:58Z", "2026-11-23T18:29:58.000Z"),
        ("2026-11-23T20:29:58+02:00", "2026-11-23T18:29:58.000Z"),
        (1763922598, "2025-11-23T18:29:58.000Z"),
        (1763922598799, "2025-11-23T18:29:58.799Z"),
        ("1763922598", "2025-11-23T18:29:58.000Z"),
        (1763922598.5, "2025-11-23T18:29:58.500Z"),
        ("2026-13-23T18:29:58Z", None),
        ("2026-W48-1T18:29:58Z", "2026-11-23T18:29:58.000Z"),
        ("20261123T182958.799Z", "2026-11-23T18:29:58.799Z"),
        ("yesterday", None),
        ("", None),
        (None, None),
        (10**30, None),
    ],
)
def test_moments_come_in_many_forms(value: Any, expected: str | None) -> None:
    assert moment(value) == expected


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1973, 6, 1), max_value=datetime(5000, 1, 1)))
def test_a_moment_is_the_same_in_seconds_and_milliseconds(value: datetime) -> None:
    whole = value.replace(microsecond=0)

    assert moment(whole) == moment(int(whole.timestamp())) == moment(int(whole.timestamp()) * 1000)


@pytest.mark.parametrize(("part", "items"), [(None, []), ("a", ["a"]), (["a", None], ["a"]), ({}, [{}]), ([], [])])
def test_what_was_taken_becomes_items(part: Any, items: list[Any]) -> None:
    assert items_of(part) == items


def test_condition_keys_are_the_same_in_any_capitals() -> None:
    policy = {"Condition": {"StringEquals": {"sts:externalid": "hidden"}, "StringLike": {"sts:ExternalId": ["hidden"], "aws:x": "shown"}}}

    after = redacted(policy, ("Condition", "*", "sts:ExternalId"))

    assert after == {
        "Condition": {"StringEquals": {"sts:externalid": "<redacted>"}, "StringLike": {"sts:ExternalId": ["<redacted>"], "aws:x": "shown"}}
    }
