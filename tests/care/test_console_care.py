"""Care in the console: a demo has cards and a hand-over, a company its own cards; the doctor says what they lack."""

import sqlite3
from pathlib import Path

import pytest

from console.demo.handover import DemoHandover
from console.demo.records import HrRecords
from core.gate import Viewer
from core.handover import HandedMessage, Ticket
from tests.console.test_command_line import rolltop
from tests.console.test_demo import samples, start  # noqa: F401 - fixtures
from tests.support.desks import ended

ANNA = Viewer("e-1203", country="uk")
TICKET = Ticket(
    key="k1",
    person="e-1203",
    thread_id="t",
    turn_id="u",
    topic="self_harm",
    note="please call",
    attached="answer",
    messages=(HandedMessage(role="user", text="I am “lost”", at="2026-01-01T00:00:00.000Z"),),
)


async def ask(desk, text):
    thread = await desk.create_thread(ANNA)
    turn = await desk.submit(ANNA, thread.id, text)
    return turn, await ended(desk, turn, ANNA)


@pytest.mark.parametrize("model", ["offline:?delay=0", "scripted:says.json"])
def test_in_a_demo_a_crisis_has_its_card_before_any_search_and_a_person_is_offered(start, samples, tmp_path, model):  # noqa: F811
    (tmp_path / "says.json").write_text('{"answers": [[{"say": "All is well."}]], "loop": true}')
    desk = start(MODEL=model)
    assert desk.handover
    asked, turn = desk.run(ask(desk.desk, "I want to kill myself"))
    card = asked.concern.card
    assert ([line.number for line in card.lines][:2], card.section) == (["116 123", "999"], "If it is urgent")
    assert desk.run(desk.handbooks.named_section(ANNA, card.document, card.section))
    assert desk.run(desk.desk.hand_over(ANNA, turn.id)).reference == "T-0001"
    asked, _ = desk.run(ask(desk.desk, "How many days of annual leave do I have?"))
    assert asked.concern is None


def test_a_company_has_its_own_cards_or_none_and_people_are_recognised_all_the_same(start, tmp_path):  # noqa: F811
    desk = start(STORE="sqlite:///desk.db", MODEL="offline:?delay=0")
    asked, _ = desk.run(ask(desk.desk, "I want to kill myself"))
    assert (desk.handover, asked.concern.topic, asked.concern.card) == (False, "self_harm", None)
    cards(tmp_path / "care")
    desk = start(STORE="sqlite:///desk.db", MODEL="offline:?delay=0", CARE="care")
    asked, _ = desk.run(ask(desk.desk, "I want to kill myself"))
    assert asked.concern.card.contact == "People team, extension 12"


def cards(folder: Path, document: str = "gone") -> None:
    folder.mkdir()
    (folder / "crisis.yaml").write_text(
        "topic: self_harm\n"
        'card: {en: {title: You are not alone, text: Help is here., contact: "People team, extension 12"}}\n'
        f"document: {document}\nsection: Elsewhere\n"
    )


def test_a_doctor_says_what_the_cards_lack(start, samples, tmp_path):  # noqa: F811
    start()
    demo = f"sqlite:///{tmp_path}/rolltop.db"
    index = f"{tmp_path}/rolltop.db-handbooks"
    good = rolltop("doctor", "--store", demo, ROLLTOP_INDEX=index)
    assert "cards in" in good.out
    assert "care: the card" not in good.out
    assert "care: topics without" not in good.out
    assert "care: no handbook" not in good.out
    cards(tmp_path / "care")
    lacking = rolltop("doctor", "--store", demo, ROLLTOP_INDEX=index, ROLLTOP_CARE=f"{tmp_path}/care")
    assert "topics without a card: violence, harassment, illness, whistleblowing" in lacking.out
    assert "! care: the card of self_harm names the handbook gone, which is not in force" in lacking.out
    cards(tmp_path / "other", "health/mental-health-support")
    lacking = rolltop("doctor", "--store", demo, ROLLTOP_INDEX=index, ROLLTOP_CARE=f"{tmp_path}/other")
    assert "names the section 'Elsewhere', which health/mental-health-support does not have" in lacking.out


async def test_a_ticket_is_opened_once_a_key_and_each_has_its_own_number(tmp_path):
    records = HrRecords(str(tmp_path / "hr.db"))
    handover = DemoHandover(records)
    assert [await handover.send(TICKET), await handover.send(TICKET)] == ["T-0001", "T-0001"]
    other = Ticket(**{name: getattr(TICKET, name) for name in TICKET.__slots__} | {"key": "k2"})
    assert await handover.send(other) == "T-0002"
    records.close()
    with sqlite3.connect(tmp_path / "hr.db") as file:
        rows = file.execute("SELECT key, employee, topic, note, messages FROM ticket ORDER BY rowid").fetchall()
    file.close()
    assert rows[0][:4] == ("k1", "e-1203", "self_harm", "please call")
    assert "I am “lost”" in rows[0][4]
    assert len(rows) == 2
