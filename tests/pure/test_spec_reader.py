"""TOML -> model: what a spec says arrives, and what is wrong with it is said in one line each, all at once."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.errors import SpecError
from collector.spec import reader
from collector.spec.drafting.written import inline
from collector.spec.model import METRIC_DATA, Call, Metrics, Page
from collector.spec.reader import LARGEST_FILE, read_spec, read_specs
from collector.spelling import did_you_mean

TOPIC = """
[topic]
type = "AWS::SNS::Topic"
list = { call = "ListTopics", take = "Topics[]" }
arn  = "{TopicArn}"
"""
METRICS = """
[[topic.metrics]]
namespace = "AWS/SNS"
dimensions = { TopicName = "{Name}" }
missing = "zero"
statistics = { Published = ["Sum"] }
"""


def problems(text: str) -> list[str]:
    """What the reader says is wrong with a file sns.toml of this *text*."""
    with pytest.raises(SpecError) as refused:
        read_spec("sns", text)
    return refused.value.problems


def test_a_small_spec_is_read() -> None:
    topic = read_spec("sns", TOPIC).resources["topic"]

    assert (topic.service, topic.key, topic.type) == ("sns", "topic", "AWS::SNS::Topic")
    assert topic.list == Call("sns", "ListTopics", "sns:ListTopics", take="Topics[]")
    assert (topic.arn, topic.id, topic.scope, topic.ours) == ("{TopicArn}", "{arn}", "regional", False)


def test_everything_that_a_spec_can_say_arrives() -> None:
    spec = read_spec(
        "sns",
        """
        scope = "global"
        iam_prefix = "notify"
        home = "us-west-2"
        rate = 2.5

        [topic]
        type = "AWS::SNS::Topic"
        ours = true
        arn = "{TopicArn}"
        id = "{Id}"
        name = "{Name}"
        created = "{Created}"
        state = "{State}"
        region = "{Region}"
        tags = "Tags"
        volatile = ["Count"]

        [topic.list]
        call = "ListTopics"
        params = { Max = 5 }
        take = "Topics[]"
        over = { Scope = ["A", "B"] }
        failures = "Failed"
        absent = ["NotFound"]
        not_enabled = ["OptIn"]
        redact = ["Secret"]
        page = { input = "Token", output = "Next", more = "More" }
        action = "sns:List"
        resources = ["arn:*:sns:*:*:x"]

        [topic.describe]
        call = "DescribeTopics"
        batch = 10
        of = "{Id}"

        [topic.get.policy]
        call = "GetPolicy"
        reveal = { Text = "It is public." }
        why = "Only here."

        [[topic.metrics]]
        namespace = "AWS/SNS"
        dimensions = { TopicName = "{Name}", Country = ["CH", "AT"] }
        missing = "zero"
        lookback = 90
        when = "Paid"
        unless = { "State == 'off'" = "It is off." }
        each = "Countries[]"
        statistics = { Published = ["Sum"] }

        [[topic.metrics]]
        namespace = "AWS/SNS"
        dimensions = { TopicName = "{Name}" }
        missing = "unknown"
        statistics.Size = ["Average", "p90"]

        [subscription]
        type = "AWS::SNS::Subscription"
        parent = "topic"
        id = "{Arn}"
        tags = { call = "ListTags" }
        list = { call = "ListSubscriptions" }
        """,
    )
    topic, subscription = spec.resources["topic"], spec.resources["subscription"]

    assert topic.list == Call(
        "sns",
        "ListTopics",
        "sns:List",
        params={"Max": 5},
        take="Topics[]",
        over={"Scope": ("A", "B")},
        failures="Failed",
        absent=("NotFound",),
        not_enabled=("OptIn",),
        redact=("Secret",),
        page=Page("Token", "Next", "More"),
        resources=("arn:*:sns:*:*:x",),
    )
    assert topic.describe == Call("sns", "DescribeTopics", "notify:DescribeTopics", batch=10, of="{Id}")
    assert topic.get == {"policy": Call("sns", "GetPolicy", "notify:GetPolicy", reveal={"Text": "It is public."}, why="Only here.")}
    assert topic.metrics == (
        Metrics(
            "AWS/SNS",
            {"TopicName": ("{Name}",), "Country": ("CH", "AT")},
            {"Published": ("Sum",)},
            "zero",
            lookback=90,
            when="Paid",
            unless={"State == 'off'": "It is off."},
            each="Countries[]",
        ),
        Metrics("AWS/SNS", {"TopicName": ("{Name}",)}, {"Size": ("Average", "p90")}, "unknown", lookback=32),
    )
    assert list(topic.calls())[-1] == METRIC_DATA
    assert (topic.id, topic.name, topic.created, topic.state, topic.region) == ("{Id}", "{Name}", "{Created}", "{State}", "{Region}")
    assert (topic.tags, topic.volatile, topic.home, topic.rate, topic.ours) == ("Tags", ("Count",), "us-west-2", 2.5, True)
    assert (subscription.parent, subscription.scope) == ("topic", "global")
    assert subscription.tags == Call("sns", "ListTags", "notify:ListTags")


def test_a_family_takes_its_scope_from_its_root() -> None:
    spec = read_spec(
        "s3",
        """
        [bucket]
        type = "AWS::S3::Bucket"
        scope = "global"
        id = "{Name}"
        list = { call = "ListBuckets" }

        [rule]
        type = "AWS::S3::Rule"
        parent = "bucket"
        id = "{Name}"
        list = { call = "ListRules" }

        [point]
        type = "AWS::S3::Point"
        id = "{Name}"
        list = { call = "ListPoints" }
        """,
    )

    assert {key: each.scope for key, each in spec.resources.items()} == {"bucket": "global", "rule": "global", "point": "regional"}


REST = 'type = "AWS::SNS::Topic"\narn = "{TopicArn}"\n'
LIST = 'list = { call = "ListTopics" }\n'
TOO_LONG = (
    "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; "
    "use sys.set_int_max_str_digits() to increase the limit"
)
BAD = {
    "not TOML": ("[topic", ["sns.toml: not TOML: Expected ']' at the end of a table declaration (at end of document)"]),
    "said twice": ("[a]\n[a]", ["sns.toml: not TOML: Cannot declare ('a',) twice (at line 2, column 3)"]),
    "a number too long": (
        "rate = " + "9" * 5000,
        [f"sns.toml: not TOML: {TOO_LONG}"],
    ),
    "nothing": ("", ["sns.toml: no resource; write at least one [table] with type and list"]),
    "unknown key on top": ('scop = "global"\n' + TOPIC, ['sns.toml: unknown key "scop" — did you mean "scope"?']),
    "scope that is none": ('scope = "world"\n' + TOPIC, [
        'sns.toml: scope "world"; it is "regional" or "global"',
        'sns.toml [topic]: scope "world"; it is "regional" or "global"',
    ]),
    "text for a number": ('rate = "5"\n' + TOPIC, ['sns.toml: "rate" must be a whole number or a number, not text']),
    "a rate of nothing": ("rate = 0\n" + TOPIC, ["sns.toml: rate 0: calls per second, more than none"]),
    "a rate that is no number": ("rate = nan\n" + TOPIC, ["sns.toml: rate nan: calls per second, more than none"]),
    "truth for a number": ("rate = true\n" + TOPIC, ['sns.toml: "rate" must be a whole number or a number, not true or false']),
    "a day for text": ("home = 2026-01-01\n" + TOPIC, ['sns.toml: "home" must be text, not date']),
    "unknown key of a resource": (TOPIC + 'stat = "{State}"', ['sns.toml [topic]: unknown key "stat" — did you mean "state"?']),
    "unknown key like none": (TOPIC + 'zzz = "{State}"', ['sns.toml [topic]: unknown key "zzz"']),
    "no type": ('[topic]\narn = "{TopicArn}"\n' + LIST, ['sns.toml [topic]: "type" is missing']),
    "no list": ("[topic]\n" + REST, ['sns.toml [topic]: "list" is missing']),
    "no identity": (
        '[topic]\ntype = "AWS::SNS::Topic"\n' + LIST,
        ['sns.toml [topic]: neither "arn" nor "id" is there: a record must have an identity'],
    ),
    "text for a table": ("[topic]\n" + REST + 'list = "ListTopics"', ['sns.toml [topic]: "list" must be a table, not text']),
    "a number for tags": (TOPIC + "tags = 5", ['sns.toml [topic]: "tags" must be text or a table, not a whole number']),
    "a number for ours": (TOPIC + "ours = 1", ['sns.toml [topic]: "ours" must be true or false, not a whole number']),
    "no call": ("[topic]\n" + REST + 'list = { take = "Topics[]" }', ['sns.toml [topic.list]: "call" is missing']),
    "unknown key of a call": (
        "[topic]\n" + REST + 'list = { call = "ListTopics", parms = {} }',
        ['sns.toml [topic.list]: unknown key "parms" — did you mean "params"?'],
    ),
    "a batch of none": (TOPIC + '[topic.describe]\ncall = "X"\nbatch = 0', ['sns.toml [topic.describe]: "batch" must be at least 1']),
    "over no list": (
        "[topic]\n" + REST + 'list = { call = "ListTopics", over = { Scope = "A" } }',
        ['sns.toml [topic.list]: "over.Scope" must be a list of the values to ask in turn'],
    ),
    "over nothing": (
        "[topic]\n" + REST + 'list = { call = "ListTopics", over = { Scope = [] } }',
        ['sns.toml [topic.list]: "over.Scope" must be a list of the values to ask in turn'],
    ),
    "shown for no reason": (
        TOPIC + '[topic.get.policy]\ncall = "X"\nreveal = { Text = " " }',
        ['sns.toml [topic.get.policy]: "reveal" of Text needs its reason in words'],
    ),
    "absent not in words": (
        TOPIC + '[topic.get.policy]\ncall = "X"\nabsent = [404]',
        ['sns.toml [topic.get.policy]: "absent" must be a list of strings'],
    ),
    "half a page": (
        TOPIC + '[topic.get.policy]\ncall = "X"\npage = { input = "T" }',
        ['sns.toml [topic.get.policy]: "page" needs "input" and "output"'],
    ),
    "a page with more": (
        TOPIC + '[topic.get.policy]\ncall = "X"\npage = { input = "T", output = "T", size = 5 }',
        ['sns.toml [topic.get.policy.page]: unknown key "size"'],
    ),
    "a Get that is no call": (TOPIC + '[topic.get]\npolicy = "GetPolicy"', ["sns.toml [topic.get.policy]: must be a call: { call = … }"]),
    "metrics of nothing": (
        TOPIC + '[[topic.metrics]]\nnamespace = "AWS/SNS"',
        [
            'sns.toml [topic.metrics]: "dimensions" is missing',
            'sns.toml [topic.metrics]: "statistics" is missing',
            'sns.toml [topic.metrics]: "missing" is missing',
        ],
    ),
    "metrics that are one table": (TOPIC + "[topic.metrics]\n", ['sns.toml [topic]: "metrics" must be a list, not a table']),
    "metrics that are no tables": (TOPIC.rstrip() + "\nmetrics = [1]\n", ['sns.toml [topic]: "metrics" must be tables: [[topic.metrics]]']),
    "metrics with a misspelt key": (
        TOPIC + METRICS + 'statistic = { Published = ["Sum"] }',
        ['sns.toml [topic.metrics]: unknown key "statistic" — did you mean "statistics"?'],
    ),
    "metrics whose statistics are no list": (
        TOPIC + METRICS.replace('["Sum"]', '"Sum"'),
        ['sns.toml [topic.metrics]: "Published" must be a list of texts'],
    ),
    "metrics with a dimension of no text": (
        TOPIC + METRICS.replace('"{Name}"', "5"),
        ['sns.toml [topic.metrics]: "TopicName" must be text or a list of texts'],
    ),
    "metrics that are missing nothing": (
        TOPIC + METRICS.replace('"zero"', '"zeroes"'),
        ['sns.toml [topic.metrics]: missing "zeroes"; it is "zero" or "unknown" — did you mean "zero"?'],
    ),
    "metrics of a time to come": (TOPIC + METRICS + "lookback = 0", ["sns.toml [topic.metrics]: lookback 0: days, 1 to 455"]),
    "metrics left out without a reason": (
        TOPIC + METRICS + 'unless = { Off = "" }',
        ['sns.toml [topic.metrics]: "unless" Off needs its reason in words'],
    ),
    "unknown parent": (
        TOPIC + "[sub]\nparent = 'topics'\n" + REST + LIST,
        ['sns.toml [sub]: no resource "topics" — did you mean "topic"?'],
    ),
    "its own parent": ("[topic]\nparent = 'topic'\n" + REST + LIST, ['sns.toml [topic]: "parent" leads back to "topic"']),
    "parents in a ring": (
        "[a]\nparent = 'b'\n" + REST + LIST + "[b]\nparent = 'a'\n" + REST + LIST,
        ['sns.toml [a]: "parent" leads back to "a"', 'sns.toml [b]: "parent" leads back to "b"'],
    ),
    "a child's scope": (
        TOPIC + "[sub]\nparent = 'topic'\nscope = 'global'\n" + REST + LIST,
        ['sns.toml [sub]: "scope" is said on the root of the family, "topic"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_one_line(text: str, lines: list[str]) -> None:
    assert problems(text) == lines


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = problems('scop = "global"\n[topic]\ntyp = "x"\narn = 5\n[topic.list]\ntake = 5\n[sub]\nparent = "topics"\n')

    assert said == [
        'sns.toml: unknown key "scop" — did you mean "scope"?',
        'sns.toml [topic]: unknown key "typ" — did you mean "type"?',
        'sns.toml [topic]: "arn" must be text, not a whole number',
        'sns.toml [topic]: "type" is missing',
        'sns.toml [topic.list]: "take" must be text, not a whole number',
        'sns.toml [topic.list]: "call" is missing',
        'sns.toml [sub]: "type" is missing',
        'sns.toml [sub]: "list" is missing',
        'sns.toml [sub]: neither "arn" nor "id" is there: a record must have an identity',
        'sns.toml [sub]: no resource "topics" — did you mean "topic"?',
    ]


@pytest.mark.parametrize(("word", "meant"), [("lst", ' — did you mean "list"?'), ("List", ' — did you mean "list"?'), ("zebra", "")])
def test_what_was_meant_is_said_only_when_it_is_close(word: str, meant: str) -> None:
    assert did_you_mean(word, ["list", "describe"]) == meant


# --- folders ---


def test_ones_own_file_replaces_ours_and_adds_to_it(tmp_path: Path) -> None:
    (tmp_path / "sns.toml").write_text(TOPIC)
    (tmp_path / "house.toml").write_text(TOPIC.replace("SNS", "House"))
    (tmp_path / "notes.txt").write_text("[not a spec")

    found = read_specs([tmp_path])

    assert list(found["sns"].resources) == ["topic"]
    assert found["house"].resources["topic"].type == "AWS::House::Topic"
    assert "ec2" in found


def test_the_last_folder_wins(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sns.toml").write_text(TOPIC.replace("[topic]", f"[{folder}]"))

    assert list(read_specs([tmp_path / "one", tmp_path / "two"])["sns"].resources) == ["two"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nowhere: no such folder of specs"):
        read_specs([tmp_path / "nowhere"])


def test_every_bad_file_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "aaa.toml").write_text("[x")
    (tmp_path / "bbb.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "ccc.toml").mkdir()
    (tmp_path / "ddd.toml").write_text("#" * (LARGEST_FILE + 1))

    with pytest.raises(SpecError) as refused:
        read_specs([tmp_path])

    told = {line.partition(":")[0]: line for line in refused.value.problems}
    assert list(told) == ["aaa.toml", "bbb.toml", "ccc.toml", "ddd.toml"]
    assert told["bbb.toml"].startswith("bbb.toml: cannot be read: 'utf-8' codec")
    assert told["ccc.toml"].startswith("ccc.toml: cannot be read: [Errno 21] Is a directory")
    assert told["ddd.toml"] == "ddd.toml: 1,000,001 bytes; a spec has at most 1,000,000"


# --- anything at all ---

KEYS = (*reader._SERVICE_KEYS, *reader._RESOURCE_KEYS, *reader._CALL_KEYS, *reader._PAGE_KEYS)
WORDS = st.sampled_from([*dict.fromkeys(KEYS), "namespace", "dimensions", "topic", "global"])
NAMES = WORDS | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=5)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=6),
    max_leaves=30,
)


def read_or_refused(text: str) -> None:
    """Read *text*; what is wrong with it may only be said as the reader says it: at least one line, each with the file's name."""
    lines: list[str] | None = None
    try:
        read_spec("sns", text)
    except SpecError as error:
        lines = error.problems
    assert lines is None or (lines and all(line.startswith("sns.toml") for line in lines))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
@example({"topic": {"get": {"x": 5}, "metrics": {}, "volatile": [{}], "list": {"over": {"a": []}, "reveal": {"a": 1}, "page": {}}}})
@example({"topic": {"scope": [], "list": {"batch": True}, "parent": "topic"}, "scope": [1]})
def test_no_table_breaks_the_reader(document: dict[str, Any]) -> None:
    text = "".join(f"{inline(name)} = {inline(value)}\n" for name, value in document.items())
    read_or_refused(text)


@given(st.text() | st.lists(st.sampled_from([*'[]{}="\n\\.,#', "list", "call", "'''", '"""', "1e", "0x", "1979-05-27"])).map("".join))
@settings(max_examples=300, deadline=None)
@example("a = [" * 5000)
@example("a = " + "{ b = " * 5000)
@example("a = " + "1" * 5000)
@example("a = 1979-13-45")
def test_no_text_breaks_the_reader(text: str) -> None:
    read_or_refused(text)
