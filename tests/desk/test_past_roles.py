"""People on record, by pages and by the beginning of their ids; and what of a person has ended, when and why."""

from datetime import timedelta

import pytest

from backends.stores.memory import MemoryStore
from core import Administration, Denied, InvalidInput, Viewer
from core.clock import SystemClock, iso
from core.desk.own_data import OwnData
from core.log.administration import ADMINISTRATION
from core.log.entry import chain
from core.log.facts import PersonBlocked, ReasonContent, RoleGranted, draft
from core.values import GENESIS
from tests.support.desks import HandClock
from tests.support.wrapped import CountingStore, LaterStore

ADMIN = Viewer("e-7001", roles={"administrator"})
SECOND = Viewer("e-7002", roles={"administrator"})


async def granted(store, count):
    """This many people with a role each, every tenth of them blocked too, written as one log."""
    clock, why = SystemClock(), ReasonContent(reason="spring audit")
    facts = []
    for number in range(count):
        person = f"e-{number:05}"
        facts.append(
            RoleGranted(person=person, role="auditor", until=None, basis="administrator", account=None, content=why)
        )
        if number % 10 == 0:
            facts.append(PersonBlocked(person=person, account=None, content=why))
    salts = [clock.token() for _ in facts]
    log = chain(ADMINISTRATION, 0, GENESIS, [draft(one) for one in facts], by=ADMIN.id, at=clock.now(), salts=salts)
    for start in range(0, len(log), 500):
        await store.commit(ADMINISTRATION, start, log[start : start + 500], id=clock.token())


def ids(listed):
    return [one.person for one in listed.grants]


async def test_pages_go_through_everybody_once_in_the_order_of_their_ids():
    store = MemoryStore()
    await granted(store, 120)
    people, seen, cursor = Administration(store), [], None
    while True:
        page = await people.people(ADMIN, cursor=cursor)
        assert (page.people, page.blocked) == (120, 12)
        seen += ids(page)
        if (cursor := page.cursor) is None:
            break
    assert seen == [f"e-{number:05}" for number in range(120)]
    assert [one.person for one in (await people.people(ADMIN, blocked=True)).blocks] == seen[::10]
    few = await people.people(ADMIN, begins="e-0010", limit=4)
    assert (ids(few), few.people) == ([f"e-0010{digit}" for digit in range(4)], 10)
    rest = await people.people(ADMIN, begins="e-0010", cursor=few.cursor)
    assert (ids(rest), rest.cursor) == ([f"e-0010{digit}" for digit in range(4, 10)], None)
    assert ids(await people.people(ADMIN, begins="e-00100")) == ["e-00100"]
    nobody = await people.people(ADMIN, begins="nobody")
    assert (ids(nobody), nobody.people, nobody.cursor) == ([], 0, None)
    for limit in (0, 501):
        with pytest.raises(InvalidInput):
            await people.people(ADMIN, limit=limit)


async def test_the_list_follows_each_decision():
    people = Administration(MemoryStore())
    assert (await people.people(ADMIN)).people == 0
    await people.grant(ADMIN, "josé", "auditor", "spring audit")
    await people.block(ADMIN, "adam", "left")
    listed = await people.people(ADMIN, begins="jose\u0301")
    assert (ids(listed), listed.blocked) == (["josé"], 1)
    await people.unblock(ADMIN, "adam", "came back")
    await people.end_grant(ADMIN, "josé", "auditor", "moved on")
    assert (await people.people(ADMIN)).people == 0


@pytest.mark.parametrize("count", [10, 1_000])
async def test_a_page_of_many_people_reads_as_little_as_one_of_few(count):
    store = MemoryStore()
    await granted(store, count)
    counting = CountingStore(store)
    people = Administration(counting)
    await people.people(ADMIN, limit=5)
    listed = people._listed
    counting.reset()
    page = await people.people(ADMIN, limit=5)
    assert len(page.grants) == 5
    assert sum(counting.calls.values()) <= 4
    assert counting.bytes < 1_000
    assert people._listed is listed  # nobody was sorted again


def since(past):
    return getattr(past.began, "granted_at", None) or past.began.blocked_at


def told(history):
    """Of each: what, by whom, why; and how, by whom and why it ended."""
    return [
        (
            getattr(one.began, "role", "block"),
            one.began.by,
            one.began.why,
            one.end and (one.end.how, one.end.by, one.end.why),
        )
        for one in history
    ]


async def test_a_history_says_since_when_by_whom_why_and_how_each_ended(store):
    later, clock = LaterStore(store), HandClock()
    people = Administration(later, clock=clock)
    soon = await store.now() + timedelta(hours=1)
    await people.grant(ADMIN, "e-2001", "auditor", "spring audit")
    await people.grant(SECOND, "e-2001", "auditor", "summer audit", until=soon)
    await people.grant(ADMIN, "e-2001", "handler", "on duty")
    await people.grant(ADMIN, "e-2002", "handler", "another person")
    await people.block(ADMIN, "e-2001", "left")
    await people.unblock(SECOND, "e-2001", "came back")
    await people.end_grant(SECOND, "e-2001", "handler", "off duty")
    held = await people.history(ADMIN, "e-2001")
    assert told(held) == [
        ("auditor", ADMIN.id, "spring audit", ("replaced", SECOND.id, "summer audit")),
        ("auditor", SECOND.id, "summer audit", None),
        ("handler", ADMIN.id, "on duty", ("taken", SECOND.id, "off duty")),
        ("block", ADMIN.id, "left", ("taken", SECOND.id, "came back")),
    ]
    assert all(one.end is None or since(one) <= one.end.at for one in held)
    later.ahead = 7200
    clock.advance(7200)
    passed = (await people.history(ADMIN, "e-2001"))[1].end
    assert (passed.how, passed.by, passed.why, passed.at) == ("passed", None, None, iso(soon))
    # What an administrator does with a grant that was over already did not end it.
    await people.grant(ADMIN, "e-2001", "auditor", "winter audit")
    *_, summer, _, _, winter = await people.history(ADMIN, "e-2001")
    assert (summer.end.how, summer.end.at, winter.end) == ("passed", iso(soon), None)
    assert await people.history(ADMIN, "e-9999") == []


async def test_reasons_that_were_erased_are_not_in_a_history(store):
    people = Administration(store)
    await people.grant(ADMIN, "e-2001", "auditor", "spring audit")
    await people.end_grant(ADMIN, "e-2001", "auditor", "moved on")
    await store.erase(ADMINISTRATION)
    assert told(await people.history(ADMIN, "e-2001")) == [("auditor", ADMIN.id, None, ("taken", ADMIN.id, None))]


async def test_a_person_learns_that_an_administrator_has_read_their_history(store):
    people = Administration(store)
    await people.history(ADMIN, "e-1042")
    with pytest.raises(Denied):
        await people.history(Viewer("e-1077"), "e-1042")
    (look,) = (await OwnData(store).looks_at_own(Viewer("e-1042"))).items
    assert (look.action, look.object, look.roles) == ("roles.list", "person", ["administrator"])
    assert (await OwnData(store).looks_at_own(Viewer("e-1077"))).items == []
