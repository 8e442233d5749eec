"""The console's lines: JSON or columns, of all loggers in one form, and never what may be somebody's words."""

import io
import json
import logging
import os
import subprocess
import sys
import warnings

import pytest
from streamlit import logger as streamlits

import console.app
from backends.stores.memory import MemoryStore
from console import server_lines
from console.server_lines import Lines, write_lines
from core import server_log
from core.errors import StoreRefused, Unavailable
from core.ids import OF_PEOPLE
from core.log.commit import commit_surely
from core.log.spending import spending_stream
from core.server_log import log_event, log_fault, reason_of
from tests.support.desks import PATIENCE, HandClock
from tests.support.erasable import CANARY
from tests.support.wrapped import WrappedStore


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def lines(monkeypatch):
    """Writes the lines into a stream of the test's, and lets go of all that this changes."""
    loggers = [logging.getLogger(name) for name in ("", *server_lines.OWN, "uvicorn", "uvicorn.access")]
    before = [(one, one.level, one.handlers[:], one.propagate) for one in loggers]
    changed = {sys: ("excepthook", "unraisablehook"), warnings: ("showwarning",), streamlits: ("setup_formatter",)}
    for of, name in ((of, name) for of, names in changed.items() for name in names):
        monkeypatch.setattr(of, name, getattr(of, name))
    monkeypatch.setattr("threading.excepthook", sys.excepthook)
    streams = []

    def begin(stream=None):
        streams.append(stream or io.StringIO())
        write_lines(streams[-1])
        return lambda: streams[-1].getvalue().splitlines()

    yield begin
    for one, level, handlers, propagate in before:
        one.setLevel(level)
        one.handlers[:], one.propagate = handlers, propagate
    monkeypatch.undo()
    streamlits.update_formatter()
    for one in streamlits._loggers.values():
        one.propagate = False


def test_an_event_is_an_object_on_a_line_with_its_fields(lines):
    written = lines()
    log_event("turn.ended", thread_id="t-1", turn_id="q-1", status="completed", duration_ms=12)
    (line,) = map(json.loads, written())
    assert line.pop("time").endswith("Z")
    assert line.pop("pid")
    assert line == {
        **{"level": "info", "logger": "rolltop.events", "event": "turn.ended"},
        **{"thread_id": "t-1", "turn_id": "q-1", "duration_ms": 12, "status": "completed"},
    }


def test_in_a_terminal_it_is_columns(lines):
    written = lines(Terminal())
    log_event("turn.ended", logging.WARNING, turn_id="q-1", status="failed", code="auth")
    (line,) = written()
    time, level, event, *rest = line.split()
    assert (level, event, rest) == ("WARNING", "turn.ended", ["turn_id=q-1", "status=failed", "code=auth"])
    assert len(time.split(":")) == 3


def test_the_settings_choose_the_form_and_the_least_grave_line(lines, monkeypatch):
    monkeypatch.setenv("ROLLTOP_LOG", "JSON")
    monkeypatch.setenv("ROLLTOP_LOG_LEVEL", "warning")
    written = lines(Terminal())
    log_event("turn.opened", turn_id="q-1")
    log_event("commit.slow", logging.WARNING, kind="thread")
    assert [json.loads(line)["event"] for line in written()] == ["commit.slow"]


async def test_the_time_from_which_on_a_commit_is_slow_is_a_setting(lines, monkeypatch):
    monkeypatch.setattr(server_log, "slow_commit_ms", server_log.slow_commit_ms)
    monkeypatch.setenv("ROLLTOP_SLOW_COMMIT_MS", "5")
    written, clock = lines(), HandClock()

    class Slow(WrappedStore):
        async def commit(self, *given, **named):
            clock.advance(0.01)
            await super().commit(*given, **named)

    await commit_surely(Slow(MemoryStore()), clock, "blob:a", 0, [], patience=1)
    assert [json.loads(line)["event"] for line in written()] == ["commit.slow"]


def test_settings_that_are_wrong_keep_no_line_from_being_written(lines, monkeypatch):
    monkeypatch.setenv("ROLLTOP_LOG", "xml")
    written = lines()
    log_event("turn.opened", turn_id="q-1")
    assert [json.loads(line)["event"] for line in written()] == ["turn.opened"]


def test_an_operators_line_keeps_its_words_and_a_stores_advice(lines):
    written = lines()
    logging.getLogger("core.desk").error("a thing failed: %s", reason_of(StoreRefused("give it the right to write")))
    (line,) = map(json.loads, written())
    assert line["message"] == "a thing failed: StoreRefused: give it the right to write ()"


def test_no_line_has_the_message_of_an_error_or_a_value_of_another_librarys_line(lines):
    written = lines()
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        log_fault("retriever", error)
        logging.getLogger("backends.handbooks").exception("an upload failed")
        other = logging.getLogger("somebodys.library")
        other.exception("it failed with %s", CANARY)
        other.error(f"it failed: {CANARY}")
        other.error(f"{CANARY} failed")
        other.error(error)
        other.warning(f"Task was lost\nfuture: {CANARY}")
        other.warning("a field", extra={"reason": CANARY, "model": CANARY, "error": CANARY})
        sys.excepthook(ValueError, error, error.__traceback__)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"{CANARY} is deprecated", DeprecationWarning, stacklevel=1)
    other.info("all is well")
    told = [json.loads(line) for line in written()]
    assert CANARY not in str(told)
    assert [line.get("message") for line in told] == [
        *(None, "an upload failed", "it failed with %s", "it failed", "", "", "Task was lost", "a field"),
        *("nobody caught an error", "a warning of Python or a library"),
    ]
    errors = [line.get("error") for line in told]
    assert errors == [*["ValueError"] * 3, *[None] * 5, "ValueError", "DeprecationWarning"]
    assert all("test_server_lines.py:" in line["at"] for line in told if "error" in line)


@pytest.mark.parametrize("stream", [*(f"{kind}:e-1042" for kind in OF_PEOPLE), spending_stream("e-1042", "2026-11-30")])
def test_no_line_has_the_person_whom_a_stream_is_named_after(stream):
    said = reason_of(Unavailable(f"commit to {stream} after 3 not acknowledged"))
    assert "e-1042" not in said
    assert f"commit to {stream.partition(':')[0]}:* after 3" in said


def test_a_message_of_several_lines_is_one_line(lines):
    written = lines(Terminal())
    logging.getLogger("console.app").warning("one\n12:00:00 ERROR   two")
    assert len(written()) == 1


def test_streamlits_loggers_write_each_line_once_in_our_form_those_that_are_made_later_too(lines):
    written = lines()
    streamlits.get_logger("streamlit.made.later").warning("careful")
    streamlits.update_formatter()
    streamlits.get_logger("streamlit.made.later").warning("again")
    assert [json.loads(line)["message"] for line in written()] == ["careful", "again"]


def test_beginning_anew_writes_no_line_twice(lines):
    lines()
    written = lines()
    log_event("turn.opened", turn_id="q-1")
    assert len(written()) == 1


def test_an_error_that_nobody_caught_is_a_line_without_its_message_wherever_it_was_raised():
    program = f"""
import asyncio, logging, threading
logging.basicConfig(level=logging.DEBUG)  # as a library does that sets up logging by itself
from console.server_lines import write_lines
def fail(): raise ValueError({CANARY!r})
class Failing:
    def __del__(self): fail()
write_lines()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
async def main():
    async def failing(): fail()
    asyncio.get_running_loop().call_soon(lambda named: fail(), {CANARY!r})
    asyncio.create_task(failing(), name={CANARY!r})
    await asyncio.sleep(0.01)
asyncio.run(main())
Failing()
logging.getLogger("console.app").warning("%d is no number", {CANARY!r})
fail()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 1
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["level"], line.get("error"), line["message"]) for line in told] == [
        ("critical", "ValueError", "nobody caught an error in a thread"),
        ("error", "ValueError", "Exception in callback main."),
        ("error", "ValueError", "Task exception was never retrieved"),
        ("error", "ValueError", "an error where nobody can catch one"),
        ("error", None, "a line of console.app could not be written"),
        ("critical", "ValueError", "nobody caught an error"),
    ]
    assert CANARY not in ran.stderr


def test_a_form_is_one_line_for_a_record_with_unknown_attributes():
    record = logging.makeLogRecord({"name": "core.desk", "msg": "said", "weird": object()})
    assert Lines("text").format(record).endswith("said")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("STORE", f"mongodb://me:{CANARY}@127.0.0.1:1/desk?serverSelectionTimeoutMS=1"),
        ("STORE", f"mongodb://me:{CANARY}@[bad/desk"),
        ("STORE", f"postgres://me:{CANARY}@host/desk"),
        ("MODEL", f"openai:m?base_url=http://me:{CANARY}@host:bad/v1&key_env=NO_KEY"),
        ("MODEL", f"openai:m?{CANARY}={CANARY}"),
        ("MODEL", f"{CANARY}"),
        ("EMBEDDER", f"openai:m?base_url=http://me:{CANARY}@host:bad/v1"),
        ("VECTORS", f"pinecone:x?host=http://me:{CANARY}@host"),
        ("RERANKER", f"other:m?{CANARY}"),
        ("HANDBOOKS", f"policies of {CANARY}"),
        ("CARE", f"cards of {CANARY}"),
        ("PRICES", f"prices of {CANARY}.json"),
        ("TOOLS", "demo"),
        ("ERASE_AFTER_DAYS", CANARY),
    ],
)
def test_a_desk_that_cannot_be_opened_is_told_without_what_was_set(lines, monkeypatch, tmp_path, setting, value):
    monkeypatch.chdir(tmp_path)
    for name, other in (("STORE", "memory:"), ("EMBEDDER", "none:"), ("LOG_LEVEL", "debug"), (setting, value)):
        monkeypatch.setitem(os.environ, f"ROLLTOP_{name}", other)
    monkeypatch.setattr(console.app, "AWAY_SECONDS", 3600)
    monkeypatch.setattr(console.app, "REFUSED_SECONDS", 3600)
    for library in ("pymongo", "urllib3"):
        monkeypatch.setattr(logging.getLogger(library), "level", logging.DEBUG)
    written = lines()
    assert console.app.start().failure is not None
    console.app.close()
    told = [json.loads(line) for line in written()]
    assert [line["message"] for line in told if "the desk cannot be opened yet: " in line.get("message", "")]
    assert CANARY not in str(told)
