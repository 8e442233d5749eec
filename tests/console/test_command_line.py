"""The command line as a process of its own: what it prints, where, and what it ends with."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import apsw
import pytest

from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from console.cli.main import main
from console.cli.output import harmless
from console.doctor.store import Equipped, examine_store
from core import Desk, tool
from core.clock import SystemClock
from core.log.entry import chain
from core.log.facts import Beat, draft
from core.store import Query
from core.turn.deferred import report_turn
from core.values import GENESIS, Entry
from tests.support.consoles import run
from tests.support.desks import APPROVER, ASKER, PATIENCE, chatting, ended, live_text, log_of, logged, until
from tests.support.forked import Forked
from tests.support.grants import OPERATING, grant
from tests.support.papers import SLOW, logs, papers, records
from tests.support.paths import ROOT
from tests.support.seeding import seed
from tests.support.wrapped import LaterStore, WrappedStore

LOOKING = ("--as", "e-2001", "--purpose", "complaint 7")
COLOUR = "\x1b[31m"


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list:
        return [json.loads(line) for line in self.out.splitlines()]


def rolltop(*arguments: str, **settings: str) -> Ran:
    """`rolltop ARGUMENTS`, with no settings but these, in a process that is forked from one that has loaded it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLLTOP_")}
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = Forked(run, "console.cli.main", arguments, {**environment, **settings}, out, err)
        process.wait(PATIENCE)
        return Ran(process.poll(), out.read_text(), err.read_text())


@pytest.fixture
def here(capsys):
    """`rolltop ARGUMENTS` in this process, where what is printed is all that matters."""

    def run(*arguments: str) -> Ran:
        try:
            status = main(arguments)
        except SystemExit as left:
            status = left.code
        return Ran(status, *capsys.readouterr())

    return run


def test_the_module_is_a_program():
    command = [sys.executable, "-m", "console.cli.main", "threads"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "rolltop threads --help" in ran.stderr


def failed(ran: Ran, *words: str) -> None:
    """It says what is wrong in one line, and nothing else."""
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    for word in words:
        assert word in ran.err


def beat(stream: str, after: int, prev: str) -> list[Entry]:
    """An entry that nobody else would write there."""
    clock = SystemClock()
    return chain(stream, after, prev, [draft(Beat())], by="e-0", at=clock.now(), salts=[clock.token()])


@tool(effect="unsafe")
def send() -> None:
    """Send a letter."""


@tool(effect="unsafe", approval="approver")
def pay() -> str:
    """Pay."""
    return "paid"


@tool(effect="read")
def look(day: str) -> str:
    """Look."""
    return f"free on {day}"


@pytest.fixture
def kept(tmp_path):
    """The URL of a store with a thread in which somebody wrote what would colour a terminal, and 3 seeded ones."""
    url = f"sqlite:///{tmp_path}/desk.db"
    anyio.run(_keep, url)
    return url


async def _keep(url):
    script = [[Say("Let me look."), Call("look", {"day": "Monday"})], [Say(f"You are free{COLOUR}.")]]
    async with open_store(url) as store:
        await seed(store, 3)
        await grant(store, ("e-2001", "auditor"))
        async with chatting(store, script, tools=[look]) as chat:
            await chat.ask(f"Am I free{COLOUR} on Monday?")


async def test_threads_are_listed_and_shown_and_every_look_is_on_record(kept):
    listed = rolltop("threads", *LOOKING, "--json", "--store", kept)
    assert (listed.status, listed.err) == (0, "")
    owners = [line["owner"] for line in listed.lines]
    assert len(set(owners)) == 4
    assert all(owner.startswith("EMP-") for owner in owners)
    thread = listed.lines[0]["id"]
    for text in ((), ("--text",)):
        for form in ((), ("--json",)):
            shown = rolltop("threads", thread, *LOOKING, *text, *form, ROLLTOP_STORE=kept)
            assert (shown.status, shown.err) == (0, "")
            for words in ("Am I free", "Let me look", "free on Monday", "You are free"):
                assert (words in shown.out) == bool(text)
            for told in ("look", "scripted:", "completed", thread):
                assert told in shown.out
            assert COLOUR not in shown.out
    found = rolltop("threads", *LOOKING, "--store", kept, "--words", "monday", "--since", "2026-01-01", "--limit", "1")
    assert thread in found.out
    assert "Am I" not in found.out
    async with open_store(kept) as store:
        looks = (await logs(store))["audit:e-2001"]
    # Each command was a process of its own, and the same look four times within ten minutes is one entry.
    assert [look.shell["action"] for look in looks] == ["audit.search", "thread.read", "audit.search"]
    assert {look.payload["purpose"] for look in looks} == {"complaint 7"}


def test_a_thread_is_shown_without_a_record_that_cannot_be_read_and_that_is_said(kept, here):
    with apsw.Connection(kept.removeprefix("sqlite:///")) as db:
        db.execute(
            "UPDATE record SET fields = json_set(fields, '$.status', 7) WHERE kind = 'tool_call' AND id = 'q-1-t1'"
        )
    shown = here("threads", "t-1", *LOOKING, "--store", kept, "--text")
    assert "Thread number1 asks about leave" in shown.out
    assert "left out, because it cannot be read: record tool_call:q-1-t1 entry" in shown.err


def test_a_list_goes_on_from_its_cursor(kept, here):
    first = here("threads", *LOOKING, "--store", kept, "--limit", "3", "--json")
    rest = here("threads", *LOOKING, "--store", kept, "--json", "--cursor", first.err.split("--cursor ")[1].strip())
    assert len(first.lines) == 3
    assert [line["id"] for line in rest.lines] == ["t-0"]
    assert rest.err == ""


def test_tool_calls_are_listed_and_shown(kept, here):
    listed = rolltop("tools", *LOOKING, "--store", kept, "--tool", "look")
    assert listed.status == 0
    _, row = listed.out.splitlines()
    assert row.split()[1:3] == ["look", "succeeded"]
    assert "EMP-" in row
    assert "e-1042" not in row
    for text in ((), ("--text",)):
        shown = here("tools", row.split()[0], *LOOKING, "--store", kept, *text)
        assert ("free on Monday" in shown.out) == bool(text)
        assert "status: succeeded" in shown.out
    assert "t-1" in here("tools", *LOOKING, "--store", kept, "--status", "failed", "--owner", "e-1").out


def test_a_look_needs_somebody_who_looks_and_why(kept, here):
    failed(rolltop("threads", "nope", *LOOKING, "--store", kept), "thread nope was not found")
    failed(rolltop("tools", "nope", *LOOKING, "--store", kept), "call nope was not found")
    failed(here("threads", "--store", kept), "--as", "--purpose")
    failed(here("tools", "--as", "e-2001", "--purpose", " ", "--store", kept), "purpose")
    failed(here("threads", *LOOKING, "--store", kept, "--since", "yesterday"), "2026-11-24")
    failed(here("threads", *LOOKING, "--store", kept, "--limit", "0"), "1 to 500")


def test_a_store_that_is_not_there_is_not_made(tmp_path, here):
    missing = f"sqlite:///{tmp_path}/nothing.db"
    failed(rolltop("rebuild", "--check", "--store", missing), "nothing.db", "ROLLTOP_STORE")
    failed(rolltop("doctor", ROLLTOP_STORE=missing), "nothing.db", "ROLLTOP_STORE")
    failed(here("threads", *LOOKING, "--store", missing), "nothing.db")
    failed(here("copy", *OPERATING, "--from", missing, "--to", "memory:"), "nothing.db")
    assert not list(tmp_path.iterdir())


def test_what_is_no_command_or_setting_is_told_in_one_line(here, monkeypatch):
    failed(here("mend"), "threads", "rebuild")
    failed(here(), "COMMAND")
    failed(here("doctor", "--store", "nope://user@host"), "nope", "mongodb://")
    monkeypatch.setenv("ROLLTOP_STROE", "x")
    failed(here("doctor"), "ROLLTOP_STROE", "ROLLTOP_STORE")


async def test_a_store_is_copied_and_a_differing_target_is_named(tmp_path):
    source, target = f"sqlite:///{tmp_path}/old.db", f"sqlite:///{tmp_path}/new.db"
    async with open_store(source) as store, papers(store):
        ran = await anyio.to_thread.run_sync(lambda: rolltop("copy", *OPERATING, "--from", source, "--to", target))
        assert ran.status == 0
        assert "this store is a demo" in ran.err
        assert "2 turns not ended" in ran.out
        async with open_store(target) as copy:
            assert await logs(copy) == await logs(store)
            assert await records(copy) == await records(store)
    async with open_store(target) as copy:
        thread = (await copy.find(Query(kind="thread"))).records[0].id
        last = (await log_of(copy, thread))[-1]
        await copy.commit(last.stream, last.n, beat(last.stream, last.n, last.hash), id="c-1")
    refused = rolltop("copy", *OPERATING, "--from", source, "--to", target)
    assert (refused.status, refused.out) == (2, "")
    assert f"{last.stream} entry {last.n + 1} of the target" in refused.err
    failed(rolltop("copy", *OPERATING, "--from", source, "--to", source), "the same store")


async def test_records_are_checked_and_mended(kept):
    async with open_store(kept) as store:
        turn = await store.get("turn", "q-1")
        changed = {**turn.fields, "text": "You have 7000 days."}
        await store.commit("thread:t-1", 0, (), [type(turn)(kind="turn", id="q-1", n=turn.n, fields=changed)], id="c")
    check = rolltop("rebuild", "--check", "--store", kept)
    assert check.status == 1
    assert check.out.splitlines()[0] == "changed: turn q-1 (text)"
    assert "7000" not in check.out
    mend = rolltop("rebuild", *OPERATING, "--store", kept, "--json")
    assert mend.status == 0
    assert [(line["fault"], line["id"], line["mended"]) for line in mend.lines[:-1]] == [("changed", "q-1", True)]
    assert mend.lines[-1]["left"] == 0
    assert rolltop("rebuild", "--check", "--store", kept).status == 0


async def test_a_doctor_says_how_a_store_is(kept):
    good = rolltop("doctor", "--store", kept)
    assert good.status == 0
    for said in ("journal mode: wal", "synchronous: full", "may be shared by processes: yes"):
        assert said in good.out
    async with (
        open_store(kept) as store,
        chatting(store, [[Say("Half"), Wait(anyio.Event())]], tools=[look], options=SLOW) as chat,
    ):
        turn = await chat.desk.submit(ASKER, chat.id, "And now?")
        await until(lambda: live_text(store, turn.id))
        before = await logs(store), await records(store)
        found = await anyio.to_thread.run_sync(lambda: rolltop("doctor", "--store", kept, "--json"))
        assert (await logs(store), await records(store)) == before
    assert found.status == 1
    assert [(line["about"], line["level"]) for line in found.lines[-1:]] == [("open turn", "trouble")]
    assert f"turn {turn.id} of thread {chat.id} is running" in found.lines[-1]["what"]
    assert "lacks these models, the tool look" in found.lines[-1]["what"]


async def test_a_turn_that_waits_in_a_living_process_is_no_trouble_to_a_doctor(tmp_path):
    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
        options = SLOW.model_copy(update={"turns_at_once": 1})
        model = ScriptedModel([[Wait(anyio.Event())]])
        equipped = Equipped(models=(model.name,), tools=frozenset())
        desk = Desk(store, model, options=options)
        async with desk:
            for _ in range(2):
                await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "And now?")
            found = [one async for one in examine_store(store, equipped) if one.about == "open turn"]
            assert [("waiting for a place" in one.text, one.level == "trouble") for one in found].count(
                (True, False)
            ) == 1
            assert not any(one.level == "trouble" for one in found)
        left = [one async for one in examine_store(store, equipped) if one.about == "open turn"]
        assert [one.level == "trouble" for one in left] == [True, True]
        assert all("start a desk, which continues it" in one.text for one in left)


async def test_a_doctor_says_why_there_is_no_model(kept):
    found = rolltop("doctor", "--store", kept, ROLLTOP_MODEL="scripted:/nowhere.json")
    assert found.status == 1
    assert "! desk: it cannot be opened" in found.out


async def test_every_store_that_can_is_heard(url):
    async with open_store(url) as store:
        await seed(store, 2)
        found = [remark async for remark in examine_store(store, Equipped(models=(), tools=frozenset()))]
    assert {"SQLite", "server"} & {remark.about for remark in found}
    assert not any(remark.level == "trouble" for remark in found)


async def remarks(store, *, models=("scripted:",), tools=("look",)) -> list[tuple[str, bool, str]]:
    found = [remark async for remark in examine_store(store, Equipped(models=models, tools=frozenset(tools)))]
    about = ("open turn", "live", "rejected", "lagging", "desk", "request")
    return [(remark.about, remark.level == "trouble", remark.text) for remark in found if remark.about in about]


async def test_an_open_turn_needs_somebody_only_where_nobody_can_go_on_with_it(store):
    async with chatting(store, [[Wait(anyio.Event())]], tools=[look]) as chat:
        await chat.desk.submit(ASKER, chat.id, "?")
        await until(lambda: logged(store, chat.id, "model.asked"))
        ((about, trouble, said),) = await remarks(store)
        assert (about, trouble) == ("open turn", False)
        assert re.search(r"asked \d+ s ago", said)
        ((_, trouble, said),) = await remarks(store, tools=())
        assert trouble
        assert said.endswith("the configured desk lacks the tool look: start one that has them, or stop the turn")
        ((_, trouble, _),) = await remarks(store, models=("offline:", "scripted:"))
        assert trouble
    (*_, (about, trouble, said)) = await remarks(store)
    assert (about, trouble) == ("open turn", True)
    assert "its worker is gone: start a desk" in said


async def test_an_approval_needs_a_desk_once_it_is_overdue(store):
    async with chatting(store, [[Call("send", {})]], tools=[send]) as chat:
        assert (await chat.ask("Send it")).waiting
    later = LaterStore(store)
    assert [trouble for about, trouble, _ in await remarks(later, tools=("send",)) if about == "open turn"] == [False]
    later.ahead = 8 * 86_400
    ((_, trouble, said),) = [one for one in await remarks(later, tools=("send",)) if one[0] == "open turn"]
    assert trouble
    assert "asked 8 days ago" in said
    assert "it was not approved in time" in said


def paying(request):
    if request.messages[-1].role == "user" and request.messages[-1].text == "Pay":
        return [Call("pay", {})]
    return [Say("Noted.")]


async def test_a_request_to_an_approver_needs_a_desk_once_it_is_overdue(store):
    async with chatting(store, paying, tools=[pay]) as chat:
        await chat.ask("Pay")
    later = LaterStore(store)
    assert [(about, trouble) for about, trouble, _ in await remarks(later, tools=())] == [("request", False)]
    later.ahead = 8 * 86_400
    ((_, trouble, said),) = [one for one in await remarks(later, tools=()) if one[0] == "request"]
    assert trouble
    assert said.endswith("was not decided in time: start a desk, which closes it")


async def test_a_decision_that_no_thread_reports_needs_a_desk_that_has_the_tool(store):
    async with chatting(store, paying, tools=[pay]) as chat:
        call = (await chat.ask("Pay")).tool_calls[0]
        held = [[Wait(anyio.Event())]]
        async with Desk(store, ScriptedModel(held), tools=[pay]) as desk:
            await desk.submit(ASKER, chat.id, "?")
            await desk.decide(APPROVER, call.id, "approve", call.digest)
            ((_, trouble, said),) = [one for one in await remarks(store, tools=("pay",)) if one[0] == "request"]
            assert not trouble
            assert said.endswith("was approved 0 s ago; its thread says so once the open turn has ended")
            ((_, trouble, said),) = [one for one in await remarks(store, tools=()) if one[0] == "request"]
            assert trouble
            assert "the configured desk lacks the tool pay: start one that has it before 20" in said


async def test_a_thread_is_shown_with_its_versions_and_requests(store, tmp_path, here):
    url = f"sqlite:///{tmp_path}/shown.db"
    async with open_store(url) as store, chatting(store, paying, tools=[pay]) as chat:
        await grant(store, ("e-2001", "auditor"))
        first = await chat.ask("Hello")
        second = await chat.desk.submit(ASKER, chat.id, "Hello again", replaces=first.turn_id)
        await ended(chat.desk, second)
        call = (await chat.ask("Pay")).tool_calls[0]
        await chat.desk.decide(APPROVER, call.id, "deny", call.digest, reason="Not this month")
        turn, _ = report_turn(chat.id, call.id)
        await ended(chat.desk, turn)
    ran = await anyio.to_thread.run_sync(here, "threads", chat.id, "--store", url, *LOOKING)
    lines = ran.out.splitlines()
    first, second, _, report = [line for line in lines if line.startswith("turn ")]
    assert first.endswith(", version 1 of 2, not shown now")
    assert second.endswith(", version 2 of 2")
    assert report.endswith(f", reports the decision on {call.id}")
    assert f"  request {call.id}: pay reported, denied by e-3001" in lines
    ran = await anyio.to_thread.run_sync(here, "threads", chat.id, "--text", "--store", url, *LOOKING)
    assert f"  request {call.id}: pay reported, denied by e-3001, reason: Not this month" in ran.out.splitlines()


async def test_what_a_sweep_takes_away_needs_nobody_and_what_none_would_does(store):
    async with chatting(store, [[Say("Half"), Wait(anyio.Event())]], options=SLOW) as chat:
        turn = await chat.desk.submit(ASKER, chat.id, "?")
        await until(lambda: live_text(store, turn.id))
        await chat.stop(turn.id)
    later = LaterStore(store)
    assert await remarks(later) == []
    later.ahead = 90
    assert [(about, trouble) for about, trouble, _ in await remarks(later)] == [("live", False)]
    await store.commit("live:gone:1", 0, beat("live:gone:1", 0, GENESIS), id="c-1")
    assert ("live", True) in [(about, trouble) for about, trouble, _ in await remarks(later)]


async def test_alarms_and_lagging_records_are_told(store):
    await seed(store, 2)
    head = await store.get("thread", "t-1")
    await store.commit("thread:t-1", 0, (), [replace(head, fields={**head.fields, "rejected": 2})], id="c-1")

    class Lagging(WrappedStore):
        async def find(self, query):
            return await super().find(replace(query, where={}) if query.where == {"dirty": True} else query)

    found = await remarks(Lagging(store))
    assert [(about, trouble) for about, trouble, _ in found] == [*[("lagging", True)] * 2, ("rejected", True)]
    assert "thread t-1" in found[-1][2]


def test_a_store_that_refuses_is_told_with_the_way_out_and_not_as_an_outage(tmp_path):
    (tmp_path / "desk.db").write_bytes(b"no database at all" * 100)
    ran = rolltop("doctor", "--store", f"sqlite:///{tmp_path}/desk.db")
    assert (ran.status, ran.out) == (2, "")
    assert "put the file back from a copy" in ran.err
    assert "run it again" not in ran.err


def test_what_a_terminal_would_obey_is_written_out():
    assert harmless("a\x1b[2Jb\nc\u202ed é 😀") == "a\\x1b[2Jb c\\u202ed é 😀"
