"""The page Usage and the command behind it, and what My data says of a person's own usage."""

import csv
import re
from datetime import UTC, datetime

import anyio
import pytest

from backends import open_store
from console.app import app
from core.desk.limit_states import LimitStates
from core.desk.small_groups import MIN_PEOPLE
from core.limits import Limits
from core.store import Query
from tests.console.test_command_line import failed, here
from tests.console.test_pages import APPROVER, AUDITOR, EMPLOYEE, HANDLER, KEEPER, OFFICER, ask, open_as, texts
from tests.console.test_people import ADMIN, url
from tests.support.hand_made import Asked, fill

__all__ = ["here", "open_as", "url"]

NOW = datetime.now(UTC)
SIGNED = ("--as", ADMIN.id, "--purpose", "yearly plan")


def many(at=NOW):
    """Questions of 12 people of one entity and of 3 people of another, by two models."""
    for i in range(12):
        yield Asked(thread=f"a-{i}", owner=f"e-{i}", at=at, entity="acme austria", costs=(2_000_000, None))
    for i in range(3):
        yield Asked(thread=f"b-{i}", owner=f"e-5{i}", at=at, entity="acme uk", model="*n*")


@pytest.fixture
def usage_page(open_as):
    """Opens Usage over a store with these questions."""

    def open(questions, **query):
        open_as(EMPLOYEE)
        app().run(fill(app().desk._store, questions))
        at = open_as(ADMIN, "usage", **query)
        assert not at.exception
        return at

    return open


def rows(at):
    return [row for table in at.table for row in table.value.astype(str).to_numpy().tolist()]


def test_administrators_alone_are_offered_the_page(open_as):
    for viewer in (EMPLOYEE, AUDITOR, APPROVER, HANDLER, OFFICER, KEEPER):
        with pytest.raises(ValueError, match=r"usage\.py"):
            open_as(viewer, "usage")


def test_a_time_without_questions_says_so(usage_page):
    assert "No questions were asked in this time. Choose a longer one." in texts(usage_page([]))


def test_a_time_in_which_few_people_asked_says_so_and_shows_nothing_else(usage_page):
    at = usage_page(list(many())[: MIN_PEOPLE - 1])
    assert "Fewer than 10 people asked in this time" in texts(at)
    assert not at.metric
    assert not at.table


def test_the_page_shows_the_sum_and_each_group_of_enough_people_and_the_look_is_on_record(usage_page):
    at = usage_page(many())
    shown = {metric.label: metric.value.replace("\\", "") for metric in at.metric}
    assert shown == {"People": "15", "Questions": "15", "Model calls": "27", "Cost": "$0.024"}
    said = texts(at)
    assert "And 12 calls unknown" in said
    assert "12 failed" in said
    assert [row[1] for row in rows(at)] == ["15 by 15 people"]
    assert [cell.replace("\\", "") for cell in rows(at)[0][3:]] == ["$0.024 + 12 calls unknown", "15,000 in, 300 out"]
    at = usage_page([], us_by="Entity")
    assert sorted(rows(at)) == [
        ["acme austria", "withheld: it would give away a smaller one", "", "", ""],
        ["acme uk", "fewer than 10 people", "", "", ""],
    ]
    everything = repr(at)
    assert not [one for one in range(12) if f"'e-{one}'" in everything]
    looks = (
        app().run(app().desk._store.find(Query(kind="look", where={"by": ADMIN.id, "action": "usage.read"}))).records
    )
    assert {look.fields["filters"]["figures"] for look in looks} == {"day", "entity"}


def test_markup_in_a_models_name_is_text(usage_page):
    asked = [Asked(thread=f"c-{i}", owner=f"e-{i}", at=NOW, model="*n*") for i in range(MIN_PEOPLE)]
    assert [row[0] for row in rows(usage_page(asked, us_by="Model"))] == ["\\*n\\*"]


def test_a_person_reads_their_own_usage_and_nobody_elses(open_as):
    assert "**Today:** no answer yet\n- **This month:** no answer yet" in texts(open_as(EMPLOYEE, "my_data"))
    ask(open_as(EMPLOYEE), "How many vacation days do I have left?")
    said = texts(open_as(EMPLOYEE, "my_data")).replace("\\", "")
    assert re.search(r"- \*\*This month:\*\* 1 answer, tokens unknown, cost \$0", said)
    assert "**This month:** no answer yet" in texts(open_as(AUDITOR, "my_data"))


def test_an_administrator_reads_who_is_at_a_limit_and_a_person_their_own_limits(usage_page, open_as, monkeypatch):
    open_as(EMPLOYEE)
    desk = app().desk
    limits = LimitStates(desk._store, Limits(person_turns_at_once=1, person_tokens_a_day=1_000))
    for part in (desk, desk.administration):
        monkeypatch.setattr(part, "_limits", limits)
    at = usage_page([Asked(thread="t", owner=EMPLOYEE.id, at=NOW, outcome="running")])
    assert [[cell.replace("\\", "") for cell in row] for row in rows(at)] == [
        [EMPLOYEE.id, "Questions at once", "when a question has been answered"]
    ]
    said = texts(open_as(EMPLOYEE, "my_data")).replace("\\", "").splitlines()
    assert "- **Limit, questions at once:** 1 of 1, reached: again when a question has been answered" in said
    assert "- **Limit, tokens a day:** 0 of 1,000" in said
    assert "- **Limit, questions at once:** 0 of 1" in texts(open_as(AUDITOR, "my_data")).splitlines()


# The command


@pytest.fixture
def filled(url):
    async def put():
        async with open_store(url) as store:
            await fill(store, many(datetime(2026, 11, 3, 12, tzinfo=UTC)))
            await fill(
                store,
                [
                    Asked(thread=f"d-{i}", owner=f"e-{i}", at=datetime(2026, 11, 4, 12, tzinfo=UTC), entity="\x1b[31m")
                    for i in range(20)
                ],
            )

    anyio.run(put)
    return url


def test_usage_is_a_table_for_people(filled, here):
    ran = here("usage", "--by", "day", *SIGNED, "--store", filled)
    assert (ran.status, ran.err) == (0, "")
    assert [re.split(r"  +", line) for line in ran.out.splitlines()] == [
        ["DAY", "PEOPLE", "TURNS", "MODEL CALLS", "COST", "TOKENS"],
        ["2026-11-03", "15", "15", "27", "$0.024 + 12 calls unknown", "15,000 tokens in, 300 out + 12 calls unknown"],
        ["2026-11-04", "20", "20", "20", "$0.000020", "20,000 tokens in, 400 out"],
        ["all", "23", "35", "47", "$0.024 + 12 calls unknown", "35,000 tokens in, 700 out + 12 calls unknown"],
    ]
    ran = here("usage", "--by", "entity", *SIGNED, "--store", filled)
    assert "acme uk       -       -      -            -" in ran.out
    assert "fewer than 10 people" in ran.out
    assert "withheld: it would give away a smaller one" in ran.out
    assert "\x1b" not in ran.out
    ran = here("usage", "--by", "model", *SIGNED, "--until", "2026-11-01", "--store", filled)
    assert ran.out == "nothing was used in this time\n"


def test_usage_is_json_for_programs(filled, here):
    times = ("--since", "2026-11-04", "--until", "2026-11-05")
    ran = here("usage", "--json", "--by", "model", *SIGNED, *times, "--store", filled)
    spent = {
        **{"calls": 20, "failed": 0, "input_tokens": 20_000, "output_tokens": 400, "tokens_unknown": 0},
        **{"cost": 20_000, "cost_unknown": 0},
    }
    used = {"people": 20, "turns": 20, "spent": spent}
    assert ran.lines == [
        {"by": "model", "name": "m", "used": used, "withheld": None},
        {"by": "all", "name": None, "used": used, "withheld": None},
    ]
    ran = here("usage", "--json", "--by", "model", *SIGNED, "--store", filled, "--until", "2026-11-01")
    assert ran.lines == [{"by": "all", "name": None, "used": None, "withheld": "few"}]


def test_usage_is_a_file_for_spreadsheets_without_the_numbers_of_few_people(filled, here, tmp_path):
    path = tmp_path / "usage.csv"
    ran = here("usage", "--by", "entity", "--csv", str(path), *SIGNED, "--store", filled)
    assert (ran.status, ran.err) == (0, "")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    shown = {(line["by"], line["name"]): (line["people"], line["cost_usd"], line["withheld"]) for line in lines}
    assert shown == {
        ("entity", "\x1b[31m"): ("20", "0.00002", ""),
        ("entity", "acme austria"): ("", "", "cover"),
        ("entity", "acme uk"): ("", "", "few"),
        ("all", ""): ("23", "0.024023", ""),
    }
    withheld = [line for line in lines if line["withheld"]]
    assert {cell for line in withheld for name, cell in line.items() if name not in ("by", "name", "withheld")} == {""}
    failed(here("usage", "--by", "entity", "--csv", str(path), *SIGNED, "--store", filled), str(path))
    nothing = tmp_path / "denied.csv"
    failed(
        here("usage", "--by", "day", "--csv", str(nothing), "--as", "e-1", *SIGNED[2:], "--store", filled),
        "not allowed",
    )
    assert not nothing.exists()


def test_a_time_within_a_day_is_refused(filled, here):
    ran = here("usage", "--by", "model", *SIGNED, "--since", "2026-11-04T09:30Z", "--store", filled)
    failed(ran, "usage is counted in whole UTC days: name days, such as 2026-11-24")
