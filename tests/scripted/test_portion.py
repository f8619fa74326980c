"""A run's tasks, shared among processes: each task is one process's, and what an earlier run has done is nobody's."""

from collections import Counter
from dataclasses import replace

import pytest

from collector.plan import Account
from collector.portion import WORKERS, WORTH_A_PROCESS, Portion, portions, processes, whole, workers
from collector.settings import RunSettings
from tests.scripted.scripted import family

FAMILIES = (family("sns", "topic"), family("iam", "role"), family("sqs", "queue"))
ACCOUNTS = tuple(
    Account(f"{number:012}", "aws", ("eu-west-1", "us-east-1")[: 1 + number % 2], ("ap-east-1",) if number % 3 else ())
    for number in range(7)
)
EVERYTHING = Portion(FAMILIES, ACCOUNTS, "aws", global_scope=True)


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_every_task_is_in_exactly_one_portion(number: int) -> None:
    shared = Counter((task.family.name, task.target) for portion in portions(EVERYTHING, number) for task in portion.tasks())

    assert shared == Counter((task.family.name, task.target) for task in EVERYTHING.tasks())
    assert set(shared.values()) == {1}


@pytest.mark.parametrize("number", [1, 3])
def test_an_account_is_read_by_one_process(number: int) -> None:
    accounts = [{task.target.account_id for task in portion.tasks()} for portion in portions(EVERYTHING, number)]

    assert sum(map(len, accounts)) == len(ACCOUNTS)


@pytest.mark.parametrize("global_scope", [True, False])
def test_the_size_is_the_number_of_tasks_that_are_planned(global_scope: bool) -> None:
    portion = replace(EVERYTHING, global_scope=global_scope)

    assert portion.size() == sum(1 for _ in portion.planned())


def test_what_is_done_is_not_done_again() -> None:
    planned = list(EVERYTHING.planned())
    left = bytes(index % 2 for index in range(len(planned)))

    assert list(replace(EVERYTHING, left=left).tasks()) == planned[1::2]


def many_tasks(number: int) -> Portion:
    """A portion of at least *number* tasks."""
    accounts = tuple(Account(f"{each:012}", "aws", ("eu-west-1",)) for each in range(number // len(FAMILIES) + 1))
    return Portion(FAMILIES, accounts, "aws", global_scope=True)


def test_a_process_is_started_for_each_core_only_when_there_is_work_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.portion.cores", lambda: 4)

    assert processes(RunSettings(), EVERYTHING) == 1
    assert processes(RunSettings(), many_tasks(2 * WORTH_A_PROCESS)) == 2
    assert processes(RunSettings(), many_tasks(100 * WORTH_A_PROCESS)) == 4


def test_as_many_processes_as_were_asked_for_but_no_more_than_accounts() -> None:
    assert processes(RunSettings(processes=3), EVERYTHING) == 3
    assert processes(RunSettings(processes=30), EVERYTHING) == 7
    assert processes(RunSettings(processes=3), whole(RunSettings(), FAMILIES, ACCOUNTS[:1], "aws")) == 1


def test_standard_output_and_a_person_who_is_asked_for_a_code_are_one_process_s() -> None:
    assert processes(RunSettings(processes=3, to="-"), EVERYTHING) == 1
    assert processes(RunSettings(processes=3), EVERYTHING, asks_for_a_code=True) == 1


@pytest.mark.parametrize(("files", "expected"), [(1_048_576, WORKERS), (1024, WORKERS), (200, 75), (64, 24), (1, 1)])
def test_as_many_workers_as_a_core_can_feed_and_open_files_allow(monkeypatch: pytest.MonkeyPatch, files: int, expected: int) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (files, files))

    assert workers(RunSettings(), 1) == workers(RunSettings(), 8) == expected


def test_workers_that_were_asked_for_are_shared_by_the_processes() -> None:
    assert [workers(RunSettings(workers=10), number) for number in (1, 3, 20)] == [10, 3, 1]
