import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from collector.errors import CollectorError
from collector.iam.difference import PolicyFileError, difference, read_policies
from collector.iam.evaluate import covers
from collector.iam.form import Form
from collector.iam.permissions import (
    INSPECT_POLICY,
    INSPECT_ROLE,
    NOT_TAKEN_ALONG,
    WITHHELD,
    Permission,
    data_allowances,
    grants,
    needed,
    permissions,
)
from collector.iam.policy import DENY, LARGEST_POLICY, MOST_POLICIES, PolicyQuotaError, policies, size
from collector.iam.verdict import Generated, RolePolicy, granted_actions, judge, shipped_table
from collector.spec import facts
from collector.spec.model import Family
from collector.spec.reader import read_spec, read_specs
from collector.spec.select import families
from tests.command import collector

FORMS = list(Form)
HALT = {fact.action for fact in facts.deny_facts() if fact.tier == "halt"}


@cache
def every_family() -> tuple[Family, ...]:
    return tuple(families(read_specs()))


@cache
def every_row() -> tuple[Permission, ...]:
    return permissions(every_family())


@cache
def written(form: Form) -> dict[str, Any]:
    return policies(every_row(), form, every_row=every_row())


def chosen(*services: str) -> tuple[Permission, ...]:
    return permissions(families(read_specs(), service=services))


def as_role(documents: dict[str, Any]) -> list[RolePolicy]:
    return [RolePolicy(name, document) for name, document in documents.items()]


def granted(documents: dict[str, Any]) -> frozenset[str]:
    return granted_actions(as_role(documents), shipped_table())


# --- what is granted ---


@pytest.mark.parametrize("form", FORMS)
def test_every_action_that_a_call_needs_is_granted(form: Form) -> None:
    called = {call.action for family in every_family() for call in family.calls() if (call.service, call.operation) not in WITHHELD}

    assert called <= granted(written(form))
    assert judge(as_role(written(form)), shipped_table(), needed=needed(every_family())).missing == ()


def test_the_exact_form_grants_what_the_rows_say_and_nothing_else() -> None:
    assert granted(written(Form.EXACT)) == set(grants(every_row()))
    assert not any("*" in action for statement in allows(written(Form.EXACT)) for action in statement["Action"])


def test_the_verb_form_has_no_wildcard_but_describe_and_list() -> None:
    wildcards = {action.partition(":")[2] for statement in allows(written(Form.VERBS)) for action in statement["Action"] if "*" in action}

    assert wildcards == {"Describe*", "List*"}


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_the_halt_tier_is_granted_but_on_the_resources_that_a_spec_names(form: Form) -> None:
    scoped = data_allowances(grants(every_row()))

    assert granted(written(form)) & HALT == set(scoped)
    for statement in allows(written(form)):
        for action in set(statement["Action"]) & set(scoped):
            assert set(statement["Resource"]) <= set(scoped[action])
            assert statement["Resource"] != "*"


@pytest.mark.parametrize("form", FORMS)
def test_our_own_policies_are_judged_without_a_finding(form: Form) -> None:
    allowances = data_allowances(grants(every_row()))

    verdict = judge(
        as_role(written(form)),
        shipped_table(),
        allowances=allowances,
        strict=True,
        generated=Generated(granted(written(form)), granted(written(form))),
    )

    assert verdict.findings == ()


def test_the_verb_form_without_its_deny_is_warned_about() -> None:
    bare = {name: document for name, document in written(Form.VERBS).items() if name != DENY}

    verdict = judge(as_role(bare), shipped_table(), allowances=data_allowances(grants(every_row())))

    assert {finding.rule for finding in verdict.findings} == {"classic-wildcard"}


def test_an_action_that_aws_asks_for_with_a_call_is_taken_along() -> None:
    rows = {row.action: row for row in chosen("compute-optimizer")}

    assert rows["rds:DescribeDBInstances"].taken_along
    assert "compute-optimizer.GetRDSDatabaseRecommendations" in (rows["rds:DescribeDBInstances"].why or "")


def test_what_aws_asks_for_with_a_call_is_never_a_write_or_a_read_of_data() -> None:
    along = {row.action for row in every_row() if row.taken_along}

    assert along
    assert {facts.level_of(action) for action in along} <= {"List", "Read"}
    assert not along & (HALT | set(NOT_TAKEN_ALONG))


def test_every_get_says_why() -> None:
    assert [row for row in every_row() if row.operation.startswith(("Get", "BatchGet")) and not row.why] == []


def test_a_narrow_choice_grants_only_what_it_needs() -> None:
    assert granted(policies(chosen("sqs"), Form.EXACT, every_row=every_row())) == {
        "cloudwatch:GetMetricData",
        "ec2:DescribeRegions",
        "sqs:GetQueueAttributes",
        "sqs:ListQueueTags",
        "sqs:ListQueues",
        "sts:GetCallerIdentity",
    }


@pytest.mark.parametrize("form", FORMS)
def test_metrics_need_one_action_and_only_where_a_type_has_them(form: Form) -> None:
    assert "cloudwatch:GetMetricData" not in granted(policies(chosen("iam"), form, every_row=every_row()))
    assert {row.operation for row in every_row() if row.service == "cloudwatch" and "Metric" in row.operation} == {
        "GetMetricData",
        "GetMetricStream",
        "ListMetricStreams",
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "path", ["/apikeys", "/apikeys/abc", "/usageplans/abc/keys", "/usageplans/abc/keys/def", "/restapis/abc/stages/prod/sdks/ruby"]
)
def test_api_gateway_is_read_on_paths_that_show_no_keys(form: Form, path: str) -> None:
    resources = [
        resource for statement in allows(written(form)) if "apigateway:GET" in statement["Action"] for resource in statement["Resource"]
    ]

    assert any(covers(resource, "arn:aws:apigateway:eu-west-1::/restapis") for resource in resources)
    assert not any(covers(resource, f"arn:aws:apigateway:eu-west-1::{path}") for resource in resources)


def test_an_api_gateway_call_without_resources_is_limited_to_the_path_it_asks_for() -> None:
    spec = read_spec(
        "apigatewayv2",
        '[route]\ntype = "AWS::ApiGatewayV2::Route"\nid = "{RouteId}"\n'
        'list = { call = "GetRoutes", action = "apigateway:GET", params = { ApiId = "x" }, why = "The only listing." }\n',
    )

    assert grants(permissions(spec.families()))["apigateway:GET"] == ("arn:*:apigateway:*::/apis/*/routes",)


def test_an_action_that_one_call_needs_everywhere_is_granted_everywhere() -> None:
    rows = [
        Permission("sqs:ListQueues", "sqs", "ListQueues", {}, None, ("arn:*:sqs:*:*:a",)),
        Permission("sqs:ListQueues", "sqs", "X", {}, None),
    ]

    assert grants(rows) == {"sqs:ListQueues": ("*",)}


# --- how it is packed ---


@pytest.mark.parametrize("form", FORMS)
def test_sizes_and_number_keep_to_the_quotas(form: Form) -> None:
    reading = [name for name in written(form) if name != DENY]

    assert {name: size(document) for name, document in written(form).items() if size(document) > LARGEST_POLICY} == {}
    assert reading == [f"{number:02}" for number in range(1, len(reading) + 1)]
    assert len(reading) <= MOST_POLICIES


def test_a_size_is_what_is_left_without_white_space() -> None:
    document = written(Form.EXACT)["01"]

    assert size(document) == len("".join(json.dumps(document, indent=4).split()))


@pytest.mark.parametrize("form", FORMS)
def test_no_service_is_split_over_two_policies(form: Form) -> None:
    holders: dict[str, set[str]] = {}
    for name, document in written(form).items():
        for statement in document["Statement"]:
            for action in statement["Action"]:
                holders.setdefault(action.partition(":")[0], set()).add(name)

    assert {prefix: names for prefix, names in holders.items() if len(names - {DENY}) > 1} == {}


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_the_specs_does_not_change_a_character(form: Form) -> None:
    shuffled = list(every_family())
    random.Random(7).shuffle(shuffled)
    rows = permissions(shuffled)

    assert json.dumps(policies(rows, form, every_row=rows)) == json.dumps(written(form))


def test_actions_are_sorted_so_that_a_difference_can_be_read() -> None:
    for document in written(Form.EXACT).values():
        for statement in document["Statement"]:
            assert statement["Action"] == sorted(statement["Action"])


def test_a_service_that_fills_more_than_one_policy_is_refused() -> None:
    rows = [Permission(f"sqs:List{number:04}{'x' * 40}", "sqs", "ListQueues", {}, None) for number in range(200)]

    with pytest.raises(PolicyQuotaError, match=r"sqs alone needs a policy of .* characters; IAM takes 6,144"):
        policies(rows, Form.EXACT, every_row=rows)


def test_more_policies_than_a_role_takes_are_refused() -> None:
    rows = [Permission(f"service{n:02}:List{'x' * 200}{m}", "sqs", "ListQueues", {}, None) for n in range(10) for m in range(25)]

    with pytest.raises(PolicyQuotaError, match="10 managed policies; at most 9 fit a role"):
        policies(rows, Form.EXACT, every_row=rows)


# --- the Deny ---


def test_the_deny_takes_every_read_of_data_from_a_role_that_may_do_everything() -> None:
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}

    left = granted({"everything": everything, DENY: written(Form.EXACT)[DENY]})

    assert left & HALT == set(data_allowances(grants(every_row())))
    assert set(grants(every_row())) <= left


def test_the_deny_is_the_same_whatever_was_chosen() -> None:
    assert policies(chosen("sqs"), Form.VERBS, every_row=every_row())[DENY] == written(Form.EXACT)[DENY]


def test_the_deny_never_takes_what_a_spec_of_the_users_own_needs() -> None:
    own = (Permission("honeycode:ListTables", "honeycode", "ListTables", {}, None),)
    assert "honeycode:*" in written(Form.EXACT)[DENY]["Statement"][0]["Action"]

    documents = policies((*every_row(), *own), Form.VERBS, every_row=(*every_row(), *own))

    assert "honeycode:ListTables" in granted(documents)
    assert "honeycode:ListTableRows" not in granted(documents)


def test_the_deny_lets_a_role_inspect_itself_even_where_no_spec_reads_iam() -> None:
    documents = policies(chosen("sqs"), Form.EXACT, every_row=chosen("sqs"))
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}

    assert {*INSPECT_ROLE, *INSPECT_POLICY} <= granted({"everything": everything, **documents})


# --- what changes ---


def test_a_difference_names_what_is_added_and_removed() -> None:
    before, after = (policies(chosen(*names), Form.EXACT, every_row=every_row()) for names in (("sqs",), ("sqs", "sns")))

    added = difference(before, after)

    assert {action for _, action, _ in added.added} == {row.action for row in chosen("sns")} - {row.action for row in chosen("sqs")}
    assert added.removed == ()
    assert difference(after, before).removed == added.added


def test_moving_a_service_to_another_policy_is_no_difference() -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}]}

    assert difference({"01": document}, {"02": document}).added == ()


def test_policies_are_read_back_from_a_file_and_from_a_folder(tmp_path: Path) -> None:
    documents = policies(chosen("sqs"), Form.EXACT, every_row=every_row())
    (tmp_path / "all.json").write_text(json.dumps(documents))
    (tmp_path / "each").mkdir()
    for name, document in documents.items():
        (tmp_path / "each" / f"{name}.json").write_text(json.dumps(document))

    assert read_policies([tmp_path / "all.json"]) == read_policies([tmp_path / "each"]) == documents


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{", "not JSON"), ("[]", "neither a policy document"), ("{}", "neither"), ('{"a": 1}', "neither"), ("[" * 100_000, "not JSON")],
)
def test_a_file_without_policies_is_named(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(text)

    with pytest.raises(PolicyFileError, match=rf"old\.json: {problem}"):
        read_policies([tmp_path / "old.json"])


# --- the command ---


@pytest.fixture(autouse=True)
def somewhere_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_policy_writes_named_documents(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = collector(capsys, monkeypatch, "iam", "policy")

    assert (status, err) == (0, "")
    assert json.loads(out) == {f"InventoryReadOnly-{name}": document for name, document in written(Form.EXACT).items()}


def test_policy_writes_one_file_each_and_removes_what_an_earlier_release_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    for name in ("InventoryReadOnly-02.json", "README.md", "InventoryReadOnly-mine.json"):
        (tmp_path / "out" / name).write_text("old")

    status, out, err = collector(capsys, monkeypatch, "iam", "policy", "--service", "sqs", "--to", "out")

    assert (status, out) == (0, "")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "InventoryReadOnly-01.json",
        "InventoryReadOnly-Deny.json",
        "InventoryReadOnly-mine.json",
        "README.md",
    ]
    assert "out/InventoryReadOnly-02.json: no longer needed, removed" in err


def test_explain_tells_each_get_with_its_reason_and_what_is_withheld(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(collector(capsys, monkeypatch, "iam", "policy", "--service", "apigateway", "--explain", "--format", "json")[1])
    table = collector(capsys, monkeypatch, "iam", "policy", "--service", "sqs", "--explain", "--format", "markdown")[1]

    assert {each["call"] for each in told["withheld"]} == {"apigateway.GetApiKeys"}
    assert {"apigateway.GetRestApis", "sts.GetCallerIdentity"} <= {each["call"] for each in told["gets"]}
    assert all(each["why"] for each in told["gets"])
    assert '| sqs:GetQueueAttributes | sqs.GetQueueAttributes | AttributeNames=["All"] |' in table


def test_a_narrow_terminal_cuts_no_action_short(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    table = collector(capsys, monkeypatch, "iam", "policy", "--service", "sqs", "--explain")[1]

    assert "…" not in table
    assert "sqs:GetQueueAttributes" in "".join(line[:15].strip() for line in table.splitlines())


def test_diff_tells_what_an_upgrade_changes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(collector(capsys, monkeypatch, "iam", "policy", "--service", "sqs")[1])

    told = json.loads(collector(capsys, monkeypatch, "iam", "policy", "--service", "s[nq]s", "--diff", "old.json", "--format", "json")[1])
    same = collector(capsys, monkeypatch, "iam", "policy", "--service", "sqs", "--diff", "old.json")[1]

    assert {"effect": "Allow", "action": "sns:ListTopics", "resource": "*"} in told["added"]
    assert told["removed"] == []
    assert same == "Nothing changes.\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("policy", "--service", "sqss"), 'no service "sqss" — did you mean "sqs"?'),
        (("policy", "--diff", "nowhere"), "nowhere: cannot be read: No such file or directory"),
        (("policy", "--diff", "."), ".: no *.json in it"),
        (("policy", "--service", "sqs", "--to", "/proc/nowhere"), "/proc/nowhere/InventoryReadOnly-01.json: cannot be written"),
        (("policy", "--explain", "--diff", "."), "--explain and --diff are two questions"),
        (("policy", "--explain", "--to", "out"), "--to is for the policies"),
        (("audit", "nowhere.json"), "nowhere.json: cannot be read"),
        (("audit", ".", "--bucket", "acme"), "--bucket and --prefix go together"),
        (("audit", ".", "--bucket", "*", "--prefix", "exports/"), "a billing bucket, prefix or key must be named in full"),
        (("template", "--type", "AWS::SQS::Queues"), 'no type "AWS::SQS::Queues"'),
    ],
)
def test_bad_input_gets_one_clear_line(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = collector(capsys, monkeypatch, "iam", *arguments)

    assert (status, out) == (2, "")
    (told,) = err.splitlines()
    assert told.startswith(f"collector: {line}")


def test_audit_accepts_our_own_policies(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert collector(capsys, monkeypatch, "iam", "policy", "--form", "verbs", "--to", "ours")[0] == 0

    status, out, _ = collector(capsys, monkeypatch, "iam", "audit", "ours", "--strict")

    assert (status, out) == (0, "These policies may be used.\n")


def test_audit_halts_at_a_read_of_data_and_names_policy_and_statement(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    statement = {"Sid": "Wide", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    (tmp_path / "wide.json").write_text(json.dumps({"Statement": statement}))

    status, out, _ = collector(capsys, monkeypatch, "iam", "audit", "wide.json")
    told = json.loads(collector(capsys, monkeypatch, "iam", "audit", "wide.json", "--json")[1])

    assert status == 4
    assert "Halted: nothing would be read" in out
    assert told["halted"]
    assert ("data-read", "inline policy wide", "Wide") in {(each["rule"], each["policy"], each["statement"]) for each in told["findings"]}


def test_audit_counts_a_boundary_and_the_billing_files(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(name: str, **statement: Any) -> None:
        (tmp_path / name).write_text(json.dumps({"Statement": {"Effect": "Allow", **statement}}))

    write("all.json", Action="*", Resource="*")
    write("boundary.json", Action="sqs:ListQueues", Resource="*")
    write("billing.json", Action="s3:GetObject", Resource="arn:aws:s3:::acme/exports/*")

    assert collector(capsys, monkeypatch, "iam", "audit", "all.json")[0] == 4
    assert collector(capsys, monkeypatch, "iam", "audit", "all.json", "--boundary", "boundary.json")[0] == 0
    assert collector(capsys, monkeypatch, "iam", "audit", "billing.json")[0] == 4
    assert collector(capsys, monkeypatch, "iam", "audit", "billing.json", "--bucket", "acme", "--prefix", "exports/")[0] == 0


def test_an_error_of_the_quota_is_one_that_the_user_can_mend() -> None:
    assert issubclass(PolicyQuotaError, CollectorError)


def allows(documents: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for document in documents.values() for statement in document["Statement"] if statement["Effect"] == "Allow"]
