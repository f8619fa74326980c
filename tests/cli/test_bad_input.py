"""Bad input gets one clear line, exit status 2, and nothing is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.demo.demo import emulated_environment
from collector.demo.emulator import emulator
from tests.command import collector


@pytest.fixture(scope="module")
def emulated() -> Iterator[None]:
    with emulator() as url, emulated_environment(url):
        yield


@pytest.fixture(autouse=True)
def somewhere_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


SQS = ("--service", "sqs")


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--service", "sqss"), 'no service "sqss" — did you mean "sqs"?; `collector specs list` shows them'),
        (("--type", "AWS::SQS::Queues"), 'no type "AWS::SQS::Queues" — did you mean "AWS::SQS::Queue"?; `collector specs list` shows them'),
        ((*SQS, "--region", "eu-west-9"), 'region: no region "eu-west-9" in the partition aws — did you mean "eu-west-3"?'),
        ((*SQS, "--account", "12345"), 'account: "12345" — an account has 12 digits'),
        ((*SQS, "--organization", "--role", "R", "--account", "999999999999"), "account: 999999999999 is not among the"),
        (
            (*SQS, "--account", "111111111111"),
            "role is missing: account 111111111111 is not the account of the current credentials (123456789012)",
        ),
        ((*SQS, "--role", "not a role"), 'role: "not a role" — a role\'s name or ARN'),
        ((*SQS, "--unit", "Production"), 'unit: "Production" — a unit is named by its id, ou-… or r-…'),
        ((*SQS, "--workers", "0"), "workers: 0 is not within 1 to 1000"),
        ((*SQS, "--processes", "65"), "processes: 65 is not within 1 to 64"),
        ((*SQS, "--to", "/proc/nowhere"), "/proc/nowhere cannot be written: No such file or directory"),
        ((*SQS, "--specs", "nowhere"), "nowhere: no such folder of specs"),
        ((*SQS, "--config", "nowhere.toml"), "nowhere.toml: cannot be read: No such file or directory"),
        ((*SQS, "--exclude-service", "sqs"), "nothing is left to read: the chosen types are not of the chosen services"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_one_clear_line(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, out, err = collector(capsys, monkeypatch, "run", *arguments)

    assert status == 2
    assert out == ""
    (told,) = [each for each in err.splitlines() if not each.startswith("{")]
    assert told.startswith(f"collector: {line}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("emulated")
def test_a_resume_of_another_run_is_refused_and_that_run_left_as_it_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".run.json").write_text('{"settings": {"region": ["eu-west-1"]}, "specs": "other"}')
    (tmp_path / "out" / "coverage.jsonl").write_text("theirs")

    status, _, err = collector(capsys, monkeypatch, "run", *SQS, "--region", "us-east-1", "--to", "out", "--resume")

    assert status == 2
    (told,) = [each for each in err.splitlines() if not each.startswith("{")]
    assert told.startswith("collector: resume: this is not the run that was begun there: ")
    assert "region was ['eu-west-1'] and is ['us-east-1']" in told
    assert (tmp_path / "out" / "coverage.jsonl").read_text() == "theirs"
    assert '"specs": "other"' in (tmp_path / "out" / ".run.json").read_text()


SPEC = """
[queue]
type = "AWS::SQS::Queue"
id   = "{item}"
list = { call = "ListQueues", take = "QueueUrls[]", params = { MaxResults = 1000 } }
"""


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("[queue", "sqs.toml: not TOML: "),
        (SPEC.replace("take", "tak"), 'sqs.toml [queue.list]: unknown key "tak" — did you mean "take"?'),
        (SPEC.replace("MaxResults", "MaxResult"), 'sqs.toml [queue.list]: no parameter "MaxResult" — did you mean "MaxResults"?'),
        (
            SPEC.replace("QueueUrls[]", "QueueUrl[]"),
            'sqs.toml [queue.list]: take = "QueueUrl[]": no member "QueueUrl" — did you mean "QueueUrls"?',
        ),
        (SPEC.replace("QueueUrls[]", "QueueUrls["), 'sqs.toml [queue.list]: take = "QueueUrls[": not JMESPath'),
        (SPEC.replace('"ListQueues"', '"PurgeQueue"'), "sqs.toml [queue.list]: PurgeQueue is not a Describe, List, Get or BatchGet"),
        (
            SPEC + '[queue.get.tags]\ncall = "ListQueueTags"\ntake = "Tags"\n',
            'sqs.toml [queue.get.tags]: required parameter "QueueUrl" is missing',
        ),
    ],
    ids=["TOML", "key", "parameter", "member", "JMESPath", "mutating", "required"],
)
def test_a_spec_that_does_not_hold_is_refused_before_anything_is_asked(
    spec: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "sqs.toml").write_text(spec)

    status, out, err = collector(capsys, monkeypatch, "run", *SQS, "--specs", "specs", "--to", "out")

    assert (status, out) == (2, "")
    assert err.startswith(f"collector: {line}")
    assert not (tmp_path / "out").exists()


def test_no_credentials(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    status, out, err = collector(capsys, monkeypatch, "run", *SQS)

    assert (status, out) == (2, "")
    assert err.startswith("collector: no AWS credentials found: set AWS_PROFILE")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("roel = 'x'", 'collector.toml: unknown setting "roel" — did you mean "role"?'),
        ("account = '111111111111'", 'collector.toml: "account" must be a list of texts'),
        ('processes = "2"', 'collector.toml: "processes" must be a whole number'),
        ("workers = true", 'collector.toml: "workers" must be a whole number'),
        ("max_metric_cost = '1'", 'collector.toml: "max_metric_cost" must be a number'),
        ("strict = 1", 'collector.toml: "strict" must be true or false'),
        ("external_id_file = 5", 'collector.toml: "external_id_file" must be text'),
        ("specs = [5]", 'collector.toml: "specs" must hold texts only'),
        ("external_ids = 'abc'", 'collector.toml: "external_ids" must be a table'),
        ("role = ", "collector.toml: not TOML: "),
        ("workers = " + "1" * 5000, "collector.toml: not TOML: "),
        ("account = " + "[" * 5000, "collector.toml: not TOML: "),
        ("role = '\udcff'", "collector.toml: not TOML: "),
        ("#" * 10_000_001, "collector.toml: larger than 10,000,000 bytes; that is no file of settings"),
        ("external_id = 'x'", "external_id: not an ExternalId"),
        ("[external_ids]\n1 = 'abc'", 'external_ids: "1" — an account has 12 digits'),
    ],
)
def test_a_settings_file_that_does_not_hold(
    text: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "collector.toml").write_text(text, errors="surrogateescape")

    status, _, err = collector(capsys, monkeypatch, "run", *SQS)

    assert status == 2
    assert err.startswith(f"collector: {line}")


def test_a_misspelt_variable_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTOR_ROEL", "Inventory")

    status, _, err = collector(capsys, monkeypatch, "run", *SQS)

    assert (status, err) == (2, 'collector: unknown variable COLLECTOR_ROEL — did you mean "COLLECTOR_ROLE"?\n')


def test_a_demo_without_its_extra_says_what_to_install(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    status, out, err = collector(capsys, monkeypatch, "demo")

    assert (status, out) == (2, "")
    assert err == "collector: the demo needs its extra (moto is missing): pip install 'aws-service-inventory-collector[demo]'\n"
