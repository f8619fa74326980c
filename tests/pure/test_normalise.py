"""Item -> record."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.normalise import items_of, moment, plain, redacted, tag_map

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
def test_redaction_and_plain_never_break(value: Any, path: list[str]) -> None:
    plain(redacted(value, tuple(path)))


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
    assert plain({"a": [b"123"], "b": {"c": b""}}) == {"a": [{"bytes": 3}], "b": {"c": {"bytes": 0}}}


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
