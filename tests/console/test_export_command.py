"""`rolltop export` as a process of its own, and the filters that it shares with the lists."""

import io
import os
import stat
import zipfile

import anyio
import pytest

from backends import open_store
from backends.models.scripted.model import Call, Say
from backends.private_files import create_private
from console.cli.main import main
from core import InvalidInput, tool
from tests.console.test_command_line import LOOKING, Ran, failed, rolltop
from tests.support.desks import chatting
from tests.support.grants import grant
from tests.support.papers import logs
from tests.support.seeding import seed

COLOUR = "\x1b[31m"


@tool(effect="read", filters=["day"], subject="employee")
def look(day: str, employee: str | None = None) -> str:
    """Look."""
    return f"free on {day}"


@pytest.fixture
def kept(tmp_path):
    """The URL of a store with 3 seeded threads, and one with words that would colour a terminal."""
    url = f"sqlite:///{tmp_path}/desk.db"
    anyio.run(_keep, url)
    return url


async def _keep(url):
    script = [[Call("look", {"day": "Monday", "employee": "e-7"})], [Say(f"You are free{COLOUR}.")]]
    async with open_store(url) as store:
        await seed(store, 3)
        both = ("auditor", "data_protection_officer")
        await grant(store, ("e-2001", "auditor"), *(("e-2002", role) for role in both))
        async with chatting(store, script, tools=[look]) as chat:
            await chat.ask(f"Am I free{COLOUR} on Monday?")


@pytest.fixture
def here(capsys):
    """`rolltop ARGUMENTS` in this process, which is much faster than one of its own."""

    def run(*arguments):
        status = main(arguments)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def listed(kept, here):
    """The ids that a list with these options has."""
    return lambda *options: [line["id"] for line in here(*options, *LOOKING, "--json", "--store", kept).lines]


# The other formats differ only within the library, whose own tests cover them.
@pytest.mark.parametrize(
    "form", ["html", *(pytest.param(form, marks=pytest.mark.torture) for form in ("csv", "jsonl"))]
)
async def test_threads_and_calls_are_exported_checked_and_on_record(kept, tmp_path, form):
    for kind in ("threads", "calls"):
        out = str(tmp_path / f"{kind}.zip")
        made = rolltop("export", kind, *LOOKING, "--tool", "look", "--format", form, "--out", out, "--store", kept)
        assert (made.status, made.err) == (0, "")
        assert "1 thread of 1 person" in made.out
        assert "free" not in made.out
        assert stat.S_IMODE(os.stat(out).st_mode) == 0o600
        with zipfile.ZipFile(out) as archive:
            assert archive.namelist() == [f"{kind}.{form}", "manifest.json"]
        for store in ((), ("--store", kept)):
            checked = rolltop("export", "--check", out, *store)
            assert (checked.status, checked.err) == (0, "")
            assert ("and the store" in checked.out) == bool(store)
    async with open_store(kept) as store:
        entries = (await logs(store))["audit:e-2001"]
    assert [(entry.shell["action"], entry.shell["owners"]) for entry in entries] == [("export", ["e-1042"])] * 2


def test_a_changed_file_is_found_and_named(kept, tmp_path, here):
    out = tmp_path / "threads.zip"
    assert here("export", "threads", *LOOKING, "--format", "csv", "--out", str(out), "--store", kept).status == 0
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content.replace(b"You have 1 days", b"You have 9 days"))
    checked = here("export", "--check", str(out))
    assert checked.status == 1
    assert checked.out.startswith("threads.csv was changed")
    found = here("export", "--check", str(out), "--json")
    assert len(found.lines[0]["faults"]) == 1
    (tmp_path / "text").write_text("no export")
    failed(here("export", "--check", str(tmp_path / "text")), "not an export")
    failed(here("export", "--check", str(tmp_path / "nothing")), "No such file")


async def test_a_file_is_never_written_over_and_then_nothing_is_exported(kept, tmp_path):
    out = tmp_path / "threads.zip"
    out.write_text("mine")
    failed(
        rolltop("export", "threads", *LOOKING, "--format", "csv", "--out", str(out), "--store", kept),
        "exists already",
    )
    assert out.read_text() == "mine"
    with pytest.raises(InvalidInput, match="exists already"):
        create_private(str(out))
    async with open_store(kept) as store:
        assert "audit:e-2001" not in await logs(store)


def test_an_export_that_fails_leaves_no_file(kept, tmp_path, here):
    anyio.run(_more, kept)
    out = tmp_path / "threads.zip"
    arguments = ("--format", "csv", "--out", str(out))
    refused = here("export", "threads", *LOOKING, *arguments, "--store", kept)
    failed(refused, "more than 50 threads needs a second person", "narrow the filter")
    failed(here("export", "threads", *LOOKING, *arguments, "--store", f"sqlite:///{tmp_path}/none.db"), "none.db")
    failed(here("export", "calls", "--as", "e-2001", "--purpose", " ", *arguments, "--store", kept), "purpose")
    failed(here("export", "--store", kept), "export threads", "--check")
    assert not out.exists()


async def _more(url):
    async with open_store(url) as store, anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(_empty_thread, store)


async def _empty_thread(store):
    async with chatting(store, []):
        pass


def test_lists_and_exports_have_the_same_filters(kept, here, listed, tmp_path):
    seeded = ["t-2", "t-1", "t-0"]
    assert listed("threads", "--metadata", "department=d-1") == ["t-1"]
    assert listed("threads", "--status", "failed", "--status", "timed_out") == ["t-2", "t-1"]
    assert listed("threads", "--tool", "look", "--status", "failed") == []
    assert listed("threads", "--model", "offline:", "--verdict", "none") == seeded
    assert listed("threads", "--rating", "up") == listed("threads", "--handbook", "none") == []
    (mine,) = listed("tools", "--about-other")
    assert listed("tools", "--argument", "day=Monday") == [mine]
    assert listed("tools", "--argument", 'day="Monday"', "--argument", "day2=3") == []
    assert listed("tools", "--unresolved") == []
    assert listed("tools", "--effect", "read", "--tool", "look", "--tool", "none") == [mine]
    assert listed("tools", "--approval", "approver") == []
    out = str(tmp_path / "calls.zip")
    made = here(
        *("export", "calls", *LOOKING, "--about-other", "--format", "csv", "--out", out, "--json", "--store", kept)
    )
    assert (made.lines[0]["calls"], made.lines[0]["query"]) == (1, {"list": "calls", "about_other": True})
    for field in ("day", "=3"):
        failed(here("tools", *LOOKING, "--argument", field, "--store", kept), "NAME=VALUE")
    twice = ("--argument", "day=1", "--argument", "day=2")
    failed(here("tools", *LOOKING, *twice, "--store", kept), "names day twice")


def test_a_list_of_what_words_have_found_shows_the_place_with_text_alone(kept, here):
    for text in ((), ("--text",)):
        plain = here("threads", *LOOKING, "--words", "monday", *text, "--store", kept)
        assert ("Am I free" in plain.out) == bool(text)
        assert COLOUR not in plain.out
        (line,) = here("threads", *LOOKING, "--words", "monday", *text, "--json", "--store", kept).lines
        assert line["hit"].get("text") == (f"Am I free{COLOUR} on Monday?" if text else None)
        assert line["hit"]["turn"]


def test_the_audit_log_is_listed_to_those_it_is_about_and_whole_to_a_data_protection_officer(kept, here, tmp_path):
    other = ("--as", "e-2002", "--purpose", "yearly check", "--store", kept)
    out = str(tmp_path / "calls.zip")
    here("export", "calls", *LOOKING, "--tool", "look", "--format", "csv", "--out", out, "--store", kept)
    here("threads", *other)
    mine = here("looks", *LOOKING, "--json", "--store", kept).lines
    assert [(look["by"], look["action"]) for look in mine] == [("e-2001", "export")]
    assert mine[0]["owners"][0].startswith("EMP-")
    assert "purpose" not in mine[0]
    everything = here("looks", "--all", "--text", *other)
    assert [line.split()[1:3] for line in everything.out.splitlines()[1:]] == [
        ["e-2002", "audit.list"],
        ["e-2002", "audit.search"],
        ["e-2001", "export"],
    ]
    assert "yearly check" in everything.out
    (found,) = here("looks", "--all", "--about", "e-1042", "--action", "export", "--json", *other).lines
    assert found["manifest"] == mine[0]["manifest"]
    assert here("looks", "--all", "--denied", "--json", *other).lines == []
    failed(here("looks", "--about", "e-1042", *LOOKING, "--store", kept), "data protection officer")
