"""The programs of examples/, run as they are. The suite judges examples/own_store.py, which pytest collects itself."""

import asyncio
import csv
import runpy

import pytest

from tests.support.paths import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_tool_of_ones_own_is_called_and_its_answer_is_shown(capsys):
    runpy.run_path(str(EXAMPLES / "own_tool.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "[meeting_rooms: succeeded]" in printed
    assert "Linz" in printed


def test_hr_records_are_read_at_once_and_leave_is_booked_after_approval(capsys):
    runpy.run_path(str(EXAMPLES / "own_hris.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "Days left: 12" in printed
    assert "approve? request_leave" in printed
    assert "completed" in printed
    assert "Days left: 7" in printed
    assert printed.count("('e-1042', datetime.date(2027, 3, 1)") == 1


def test_the_suite_is_among_the_tests_that_pytest_collects(pytestconfig):
    assert "examples/own_store.py" in pytestconfig.getini("testpaths")


def test_a_batch_that_runs_again_asks_only_what_is_new(folder, capsys):
    main = runpy.run_path(str(EXAMPLES / "batch.py"))["main"]
    questions, answers = folder / "questions.csv", folder / "answers.csv"
    rows = [("q-1", "Hello"), ("q-2", "What can you do?"), ("q-3", "Thank you")]

    def run(asked):
        with questions.open("w", newline="") as file:
            csv.writer(file).writerows([("id", "question"), *asked])
        asyncio.run(main(questions, answers, store_url="sqlite:///desk.db", model_url="offline:?delay=0"))
        with answers.open(newline="") as file:
            return [(row["id"], row["status"], row["answer"], row["nano_usd"]) for row in csv.DictReader(file)]

    first = run(rows[:2])
    assert [answer[:2] for answer in first] == [("q-1", "completed"), ("q-2", "completed")]
    again = run(rows)
    assert again[:2] == first
    assert "3 answers, 2 of them known before" in capsys.readouterr().out
