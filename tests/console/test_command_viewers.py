"""Who a command is for: the roles on record of the person of `--as`, and the account that each of its entries names."""

import json
import zipfile
from contextlib import asynccontextmanager
from dataclasses import asdict

import anyio
import pytest

import console.cli.existing
import core.log.audit
from backends import open_store
from backends.handbooks.catalogue.catalogue import Catalogue
from console.account import this_account
from console.cli.urls import shown_url
from console.demo.mark import make_demo
from console.drawing.looks import what
from core.desk.administration import Administration
from core.desk.own_data import OwnData
from core.errors import StoreRefused, Unavailable
from core.gate import Viewer
from core.log.records import Look, item_of
from core.store import Query
from tests.console.test_command_line import failed, here
from tests.support.grants import OPERATING, OPERATOR, make_store
from tests.support.handbook_folders import handbook, write
from tests.support.papers import logs
from tests.support.seeding import seed
from tests.support.wrapped import WrappedStore

__all__ = ["here"]

ACCOUNT = this_account().model_dump()
WHY = ("--purpose", "complaint 7")


@pytest.fixture
def url(tmp_path):
    """A store with 3 threads and an administrator, an auditor, a knowledge owner and a blocked auditor on record."""
    url = f"sqlite:///{tmp_path}/desk.db"
    make_store(url, ("e-2001", "auditor"), ("e-4001", "knowledge_owner"), ("e-2009", "auditor"))

    async def fill():
        async with open_store(url) as store:
            await seed(store, 3)
            await Administration(store).block(Viewer(OPERATOR, {"administrator"}), "e-2009", "left")

    anyio.run(fill)
    return url


@pytest.fixture
def commands(url, tmp_path):
    """By the action that each is on record as, every command that is for a person; without the person."""
    write(tmp_path / "books", {"pay.md": handbook("Pay", "Day\nSalaries are paid on the 28th.")})
    out, store = str(tmp_path / "out.zip"), ("--store", url)
    return {
        "audit.search": ("threads", *WHY, *store),
        "thread.read": ("threads", "t-1", *WHY, *store),
        "audit.search tools": ("tools", *WHY, *store),
        "call.read": ("tools", "q-1-t1", *WHY, *store),
        "audit.list": ("looks", "--all", *WHY, *store),
        "export": ("export", "threads", *WHY, "--format", "csv", "--out", out, *store),
        "usage.read": ("usage", "--by", "day", *WHY, *store),
        "roles.list": ("grants", *store),
        "roles.grant": ("grant", "e-1", "handler", "--why", "on duty", *store),
        "people.block": ("block", "e-1", "--why", "left", *store),
        "handbooks.keep": ("ingest", str(tmp_path / "books"), *store),
        "store.copy": ("copy", *WHY, "--from", url, "--to", f"sqlite:///{tmp_path}/copy.db"),
        "store.backup": ("backup", str(tmp_path / "backup"), *WHY, *store),
        "store.rebuild": ("rebuild", *WHY, *store),
    }


def on_record(url, person):
    """What is on record of a person: the action, whether it was denied, and the account."""

    async def read():
        async with open_store(url) as store:
            entries = (await logs(store)).get(f"audit:{person}", [])
            return [(one.kind, one.shell["action"], one.shell["account"]) for one in entries]

    return anyio.run(read)


def test_a_person_without_a_role_on_record_is_shown_nothing_and_told_which_command_gives_one(url, commands, here):
    for place, (action, command) in enumerate(commands.items()):
        ran = here(*command, "--as", f"e-{place}")
        failed(ran, "is not allowed", "`rolltop grant ID ROLE`", "`rolltop grant ID administrator --first")
        ((kind, denied, account),) = on_record(url, f"e-{place}")
        assert (kind, account) == ("audit.denied", ACCOUNT)
        # One that opens an object is denied before it says whether that exists.
        assert denied == {"thread.read": "audit.search", "call.read": "audit.search"}.get(action, action.split()[0])


def test_a_role_of_another_kind_and_a_blocked_person_are_refused(url, commands, here):
    for action, roles in {
        "audit.search": "auditor",
        "export": "auditor",
        "audit.list": "auditor or approver or handler or data_protection_officer",
        "usage.read": "auditor or administrator",
        "store.copy": "administrator",
        "roles.list": "administrator",
    }.items():
        failed(here(*commands[action], "--as", "e-4001"), "is not allowed", f"it takes the role {roles}, which")
    failed(here(*commands["thread.read"], "--as", "e-4001"), "thread t-1 was not found")
    failed(here(*commands["handbooks.keep"], "--as", "e-2001"), "is not allowed", "it takes the role knowledge_owner,")
    for command in commands.values():
        failed(here(*command, "--as", "e-2009"), "e-2009 is blocked")
    assert [entry[1:] for entry in on_record(url, "e-2009")] == [("desk.use", ACCOUNT)]


def test_without_as_each_command_says_how_a_person_gets_a_role(commands, here):
    for command in commands.values():
        failed(here(*command), "--as", "`rolltop grant ID administrator --first")


def test_the_operator_of_a_store_without_a_grant_makes_the_first_one_and_looks(tmp_path, here):
    store = ("--store", f"sqlite:///{tmp_path}/desk.db")

    async def make():
        async with open_store(store[1]) as opened:
            await seed(opened, 1)

    anyio.run(make)
    me, why = ("--as", "ops"), ("--why", "set up")
    failed(here("threads", *me, *WHY, *store), "--first")
    assert here("grant", "ops", "administrator", "--first", *me, *why, *store).status == 0
    failed(here("threads", *me, *WHY, *store), "is not allowed")  # an administrator reads no content
    assert here("grant", "e-2001", "auditor", *me, *why, *store).status == 0
    assert "t-0" in here("threads", "--as", "e-2001", *WHY, *store).out


def test_each_entry_that_a_command_leaves_names_its_account(url, commands, here, tmp_path):
    people = {
        "handbooks.keep": "e-4001",
        "usage.read": "e-2001",
        "roles.list": OPERATOR,
        "store.copy": OPERATOR,
        "store.backup": OPERATOR,
        "store.rebuild": OPERATOR,
    }
    for action in ("audit.search", "thread.read", "export", *people):
        assert here(*commands[action], "--as", people.get(action, "e-2001")).status == 0
        assert (action, ACCOUNT) in [entry[1:] for entry in on_record(url, people.get(action, "e-2001"))]
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert json.loads(archive.read("manifest.json"))["account"] == ACCOUNT
    assert here("export", "--check", str(tmp_path / "out.zip"), "--store", url).status == 0
    (copied,) = [one for one in looks_of(url, OPERATOR) if one.action == "store.copy"]
    assert copied.filters == {"to": f"sqlite:///{tmp_path}/copy.db"}
    assert what(copied) == (
        f"Copied the whole store: to sqlite:///{tmp_path}/copy.db, "
        f"with a command of {ACCOUNT['user']} on {ACCOUNT['host']}"
    )
    listed = here("looks", "--as", "e-2001", *WHY, "--store", url)
    assert f"{ACCOUNT['user']}@{ACCOUNT['host']}" in listed.out
    (line, *_) = here("looks", "--as", "e-2001", *WHY, "--json", "--store", url).lines
    assert line["account"] == ACCOUNT


def looks_of(url, person):
    async def read():
        async with open_store(url) as store:
            found = await store.find(Query(kind="look", where={"by": person}, order=("n",), limit=100))
            return [item_of(Look, one) for one in found.records]

    return anyio.run(read)


def test_the_person_looked_at_learns_that_it_was_a_command_and_not_whose(url, commands, here):
    assert here(*commands["thread.read"], "--as", "e-2001").status == 0

    async def own():
        async with open_store(url) as store:
            owner = (await store.get("thread", "t-1")).fields["owner"]
            return (await OwnData(store).looks_at_own(Viewer(owner))).items

    (look,) = anyio.run(own)
    assert look.command
    assert [name for name in (*ACCOUNT.values(), "e-2001") if f'"{name}"' in json.dumps(asdict(look))] == []


@pytest.fixture
def refusing(monkeypatch):
    """Lets the stores that commands open from now on raise this error instead of taking an entry of an audit log."""

    def refuse(error):
        class Refusing(WrappedStore):
            async def commit(self, stream, after, entries, records=(), *, id):
                if stream.startswith("audit:"):
                    raise error
                await super().commit(stream, after, entries, records, id=id)

        @asynccontextmanager
        async def opened(url):
            async with open_store(url) as store:
                yield Refusing(store)

        monkeypatch.setattr(console.cli.existing, "open_store", opened)
        monkeypatch.setattr(core.log.audit, "_PATIENCE", 0.01)

    return refuse


@pytest.mark.parametrize("error", [StoreRefused("the file is read-only"), Unavailable("away")], ids=["refused", "away"])
def test_what_cannot_be_put_on_record_is_neither_shown_nor_done(url, commands, here, refusing, error, tmp_path):
    refusing(error)
    people = dict.fromkeys(("store.copy", "store.backup", "store.rebuild", "roles.list"), OPERATOR) | {
        "handbooks.keep": "e-4001"
    }
    people |= dict.fromkeys(("audit.search", "thread.read", "audit.search tools", "call.read", "export"), "e-2001")
    for action, person in people.items():
        failed(here(*commands[action], "--as", person), str(error))
    assert not (tmp_path / "out.zip").exists()

    async def copied():
        async with open_store(f"sqlite:///{tmp_path}/copy.db") as store:
            return (await store.find(Query(kind="stream"))).records

    assert anyio.run(copied) == []
    with_catalogue = Catalogue(tmp_path / "desk.db-handbooks")
    assert with_catalogue.documents() == []
    with_catalogue.close()


def test_a_copy_from_a_store_that_takes_no_entry_says_why(url, commands, here, refusing):
    refusing(StoreRefused("the file is read-only"))
    failed(here(*commands["store.copy"], "--as", OPERATOR), "the store must record who does this", "is read-only")


async def test_a_samples_roles_count_over_a_demo_alone_and_the_command_says_so(tmp_path, here):
    url, catalogue = f"sqlite:///{tmp_path}/demo.db", Catalogue(":memory:")
    async with open_store(url) as store:
        await make_demo(store, catalogue)
        await Administration(store).block(Viewer("e-7001", {"administrator"}), "e-3001", "left")
    catalogue.close()

    def run(person):
        return here("looks", "--as", person, *WHY, "--store", url)

    ran = await anyio.to_thread.run_sync(run, "e-2001")
    assert ran.status == 0
    assert ran.err == "this store is a demo: its sample people have their roles without a grant\n"
    for person, said in (("e-9999", "is not allowed"), ("e-1042", "is not allowed"), ("e-3001", "e-3001 is blocked")):
        ran = await anyio.to_thread.run_sync(run, person)
        assert (ran.status, ran.out) == (2, "")
        assert said in ran.err


def test_a_check_needs_no_role_and_leaves_no_entry(url, here):
    assert here("rebuild", "--check", "--store", url).status == 0
    assert on_record(url, OPERATOR) == []
    failed(here("rebuild", "--as", OPERATOR, "--store", url), "--purpose", "--check")


# URLs with a password

PASSWORDS = (
    "mongodb://user:hunter2@host/desk",
    "mongodb+srv://user:hunter2@host/desk",
    "mongodb://user:hun/ter@2@host/desk",
    "mongodb://host/desk?tlsCertificateKeyFilePassword=hunter2",
    "mongodb://host/desk?tls=true;tlsCertificateKeyFilePassword=hunter2",
    "mongodb://KEY@host/desk?authMechanismProperties=SERVICE_NAME:x,AWS_SESSION_TOKEN%3Ahunter2",
    "pinecone:handbooks?api_key=hunter2",
)


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        (("doctor", "--store"), "ROLLTOP_STORE"),
        (("threads", "--as", "e-2001", *WHY, "--store"), "ROLLTOP_STORE"),
        (("demo", "--store"), "ROLLTOP_STORE"),
        (("export", "--check", "FILE", "--store"), "ROLLTOP_STORE"),
        (("export", "calls", "--as", "e-2001", *WHY, "--format", "csv", "--out", "f", "--store"), "ROLLTOP_STORE"),
        (("copy", *OPERATING, "--to", "memory:", "--from"), "ROLLTOP_STORE"),
        (("copy", *OPERATING, "--to"), "--to-env NAME"),
        (("ingest", "--as", "e-4001", "--embedder"), "ROLLTOP_EMBEDDER"),
        (("ingest", "--as", "e-4001", "--vectors"), "ROLLTOP_VECTORS"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_password_in_an_argument_is_refused_with_what_to_write_and_never_repeated(here, command, instead):
    for url in PASSWORDS:
        ran = here(*command, url)
        failed(ran, "a URL with a password does not belong into an argument", instead)
        assert "hunter2" not in ran.err
        assert "hun/ter" not in ran.err


@pytest.mark.parametrize("command", [("doctor",), (), ("doctor", "--stores"), ("demo", "--threads")])
def test_a_password_where_no_url_is_expected_is_not_repeated_either(here, command):
    ran = here(*command, "mongodb://user:hunter2@host/desk")
    failed(ran, "a URL with a password does not belong into an argument", "ROLLTOP_STORE")
    assert "hunter2" not in ran.err


def test_every_option_that_takes_a_url_refuses_a_password(capsys):
    from console.cli.main import _parser

    def options(parser):
        for action in parser._actions:
            if isinstance(getattr(action, "choices", None), dict):
                for name, inner in action.choices.items():
                    yield from ((f"{name} {path}", option) for path, option in options(inner))
            elif action.metavar == "URL":
                yield action.option_strings[0], action

    found = dict(options(_parser()))
    assert len(found) > 15
    assert [name for name, option in found.items() if option.type is None] == []


def test_a_url_without_a_password_is_taken(url, here):
    for harmless in (url, "mongodb://host:27017/desk", "sqlite:////data/a:b@c.db"):
        assert "password" not in here("doctor", "--store", harmless, "--nope").err


def test_the_targets_url_may_be_in_a_variable(url, here, tmp_path, monkeypatch):
    failed(here("copy", *OPERATING, "--from", url, "--to-env", "TARGET"), "the variable TARGET is not set")
    monkeypatch.setenv("TARGET", f"sqlite:///{tmp_path}/copy.db")
    monkeypatch.setenv("ROLLTOP_STORE", url)
    assert here("copy", *OPERATING, "--to-env", "TARGET").status == 0
    assert (tmp_path / "copy.db").exists()
    monkeypatch.setenv("TARGET", url)
    failed(here("copy", *OPERATING, "--to-env", "TARGET"), "the same store")


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("mongodb://hr@host/desk", "mongodb://hr:p%40ss%2F@host/desk"),
        ("mongodb://hr@host/desk?authMechanism=MONGODB-X509", None),
        ("mongodb://host/desk", None),
        ("sqlite:////data/a@b.db", None),
    ],
)
def test_a_password_is_asked_for_in_a_terminal_if_the_url_names_a_user_alone(url, opened, monkeypatch):
    from console.cli.urls import with_password

    asked = []
    monkeypatch.setattr("console.cli.urls.getpass", lambda prompt: asked.append(prompt) or "p@ss/")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert anyio.run(with_password, url) == url
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert anyio.run(with_password, url) == (opened or url)
    assert asked == (["Password of hr at host: "] if opened else [])


def test_where_a_copy_went_is_shown_without_user_password_and_options():
    assert shown_url("mongodb://hr:hunter2@a,b:27018/desk?tls=true") == "mongodb://a,b:27018/desk"
    assert shown_url("mongodb://hr:hun/ter@2@host/desk") == "mongodb://host/desk"
    for plain in ("memory:", "sqlite:///a@b.db"):
        assert shown_url(plain) == plain
