"""Samples are for demos: which stores are demos, and that a company's own desk never answers from the samples."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import anyio
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from backends import open_store
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.ingest.ingest import Upload
from backends.handbooks.opening import open_handbooks
from backends.stores.memory import MemoryStore
from console.app import App, app, close
from console.cli.main import main
from console.demo.mark import ADMINISTRATION, is_demo, make_demo
from console.demo.samples import SAMPLES, count_samples, holds_own, withdraw_samples
from console.doctor.store import equipment
from console.settings import read_settings
from console.sign_in.development import DevelopmentSignIn, choose
from core.clock import SystemClock
from core.errors import Corrupt, InvalidInput
from core.log.commit import begin_stream
from core.log.entry import Draft, chain
from core.log.facts import Beat, DemoMarked, draft
from core.maintenance.copy import copy
from core.store import Page
from core.values import GENESIS
from tests.console.test_command_line import rolltop
from tests.console.test_pages import EMPLOYEE, KEEPER, MAIN, texts
from tests.support.handbook_folders import handbook, write
from tests.support.paths import ROOT
from tests.support.seeding import seed
from tests.support.signing_in import sign_in
from tests.support.wrapped import WrappedStore

PARROTS = handbook("Parrots at work", "Days\nYou may bring one parrot to the office on two days a week.")
REMOTE = handbook("Remote work", "Days\nOur own rule: four days a week.", effective="2099-01-01")

Start = Callable[..., App]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the console's App in an empty working folder, with these ROLLTOP_* settings and no other."""
    monkeypatch.chdir(tmp_path)

    def start(**settings: str) -> App:
        close()
        for name in [name for name in os.environ if name.startswith("ROLLTOP_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(f"ROLLTOP_{name}", value)
        return app()

    yield start
    close()


@pytest.fixture
def samples(tmp_path: Path, sample_catalogue: Path) -> Path:
    """The sample handbooks in the index beside rolltop.db in the working folder, as a desk has taken them in before."""
    return Path(shutil.copy(sample_catalogue, tmp_path / "rolltop.db-handbooks"))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder with one handbook of one's own."""
    write(tmp_path / "policies", {"parrots.md": PARROTS})
    return tmp_path / "policies"


def page(name: str = "chat", viewer: object = EMPLOYEE) -> AppTest:
    """A page of the running console."""
    config.set_option("server.address", "127.0.0.1")
    at = AppTest.from_file(MAIN, default_timeout=30)
    sign_in(at, viewer)
    at.run()
    at = at.switch_page(f"../pages/{name}.py").run() if name != "chat" else at
    assert not at.exception
    return at


def answers(desk: App) -> set[str]:
    """The documents that a search can find today."""
    documents = desk.run(desk.handbooks.documents(KEEPER))
    return {document.id for document in documents if document.passages}


def found(desk: App, question: str) -> list[str]:
    trial = desk.run(desk.handbooks.try_question(KEEPER, question, country="austria", entity=None))
    return [passage.document for passage in trial.passages]


def upload(desk: App, name: str, text: str) -> None:
    async def upload() -> None:
        job = await desk.handbooks.upload(KEEPER, [(name, text.encode())])
        with anyio.fail_after(60):
            while not job.over:  # noqa: ASYNC110 - a job has no event to wait for
                await anyio.sleep(0.01)
        assert job.error is None

    desk.run(upload())


async def mark_of(url: str) -> list[str]:
    async with open_store(url) as store:
        return [entry.kind for entry in await store.read(ADMINISTRATION)]


# Which stores are demos


@pytest.mark.parametrize("settings", [{}, {"MODEL": "offline:?delay=0", "EMBEDDER": "none:"}])
def test_without_a_store_and_a_folder_in_the_settings_a_new_store_is_a_demo(start, sample_catalogue, settings):
    desk = start(**settings)
    assert desk.demo
    assert [tool.name for tool in desk.tools] == ["vacation_balance", "request_leave", "salary_letter"]
    assert "remote-work" in str(found(desk, "What is our policy on remote work?"))
    again = start(**settings)
    assert again.demo
    assert len(answers(again)) == 29  # and one that is superseded
    assert anyio.run(mark_of, "sqlite:///rolltop.db") == ["demo.marked"]


@pytest.mark.parametrize("settings", [{"STORE": "sqlite:///desk.db"}, {"HANDBOOKS": ""}, {"HANDBOOKS": "policies"}])
def test_with_a_store_or_a_folder_in_the_settings_it_is_a_companys(start, policies, settings):
    desk = start(**settings)
    assert (desk.demo, desk.tools) == (False, [])
    assert answers(desk) == ({"parrots"} if settings.get("HANDBOOKS") else set())
    assert not list(Path().glob("*-hr"))
    start(**settings)
    assert anyio.run(mark_of, settings.get("STORE", "sqlite:///rolltop.db")) == []


def test_an_empty_folder_setting_takes_in_nothing_of_the_working_folder(start, tmp_path):
    write(tmp_path, {"parrots.md": PARROTS})
    assert answers(start(HANDBOOKS="")) == set()
    assert answers(start(HANDBOOKS=".")) == {"parrots"}


async def take_in(folder: Path, index: str) -> None:
    """Import the folder into an index, as a program does before there is a store."""
    async with open_handbooks(index, embedder="static:", vectors="local:") as handbooks:
        await handbooks.ingest(KEEPER, folder)


def test_handbooks_that_were_taken_in_before_the_first_start_are_all_that_a_new_desk_answers_from(start, policies):
    anyio.run(take_in, policies, "rolltop.db-handbooks")
    desk = start()
    assert (desk.demo, desk.tools) == (False, [])
    assert answers(desk) == {"parrots"}
    assert {document.id for document in desk.run(desk.handbooks.documents(KEEPER))} == {"parrots"}


def test_a_default_store_with_entries_becomes_no_demo(start):
    async def fill() -> None:
        async with open_store("sqlite:///rolltop.db") as store:
            await seed(store, 1)

    anyio.run(fill)
    desk = start()
    assert (desk.demo, desk.tools, answers(desk)) == (False, [], set())


async def test_the_mark_is_entry_1_and_no_later_one(store):
    await begin_stream(store, SystemClock(), ADMINISTRATION, [Beat(), DemoMarked()], patience=0)
    assert not await is_demo(store)
    with closing(Catalogue(":memory:")) as catalogue, pytest.raises(InvalidInput, match="only a new store"):
        await make_demo(store, catalogue)


async def test_a_mark_of_a_newer_version_is_not_guessed_at(store):
    newer = Draft(kind="company.marked", v=1, shell={}, payload={})
    entries = chain(ADMINISTRATION, 0, GENESIS, [newer], by="desk", at=SystemClock().now(), salts=["0" * 32])
    await store.commit(ADMINISTRATION, 0, entries, id="c-1")
    with pytest.raises(Corrupt, match="newer Rolltop"):
        await is_demo(store)


async def test_a_copy_of_a_demo_is_a_demo_and_an_erasure_does_not_change_it(store):
    source = MemoryStore()
    with closing(Catalogue(":memory:")) as catalogue:
        await make_demo(source, catalogue)
    await copy(source, store, SystemClock(), lambda phase, done, total: None)
    assert await store.erase(ADMINISTRATION) == 1
    assert await is_demo(store)


async def test_of_several_that_mark_at_once_one_does_and_all_agree(store):
    with closing(Catalogue(":memory:")) as catalogue:

        class Late(WrappedStore):
            """Looks new until the first commit was tried."""

            async def find(self, query):
                return Page(records=[], cursor=None)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(make_demo, Late(store), catalogue)
    assert [entry.kind for entry in await store.read(ADMINISTRATION)] == ["demo.marked"]


async def test_whoever_wrote_first_has_decided(store):
    class Raced(WrappedStore):
        """Another process begins the stream just before this one would."""

        async def commit(self, stream, after, entries, records=(), *, id):
            clock = SystemClock()
            first = chain(stream, 0, GENESIS, [draft(Beat())], by="desk", at=clock.now(), salts=[clock.token()])
            await store.commit(stream, 0, first, id=clock.token())
            await super().commit(stream, after, entries, records, id=id)

    with closing(Catalogue(":memory:")) as catalogue, pytest.raises(InvalidInput, match="another process"):
        await make_demo(Raced(store), catalogue)
    assert not await is_demo(store)


# The command


def test_the_command_makes_a_new_store_a_demo_and_says_what_to_run_next(start, tmp_path):
    url = f"sqlite:///{tmp_path}/shown.db"
    ran = rolltop("demo", "--store", url)
    assert (ran.status, ran.err) == (0, "")
    assert "The store is a demo" in ran.out
    assert "ROLLTOP_STORE" in ran.out
    assert "rolltop serve" in ran.out
    assert rolltop("demo", "--json", ROLLTOP_STORE=url).lines == [{"demo": True}]
    assert anyio.run(mark_of, url) == ["demo.marked"]
    desk = start(STORE=url)
    assert desk.demo
    assert len(answers(desk)) == 29
    assert desk.run(desk.offer(EMPLOYEE)).samples
    assert "a demo: it has the sample handbooks and HR tools" in rolltop("doctor", "--store", url).out


def test_the_command_refuses_in_words_what_holds_something_already(tmp_path, policies):
    url = f"sqlite:///{tmp_path}/desk.db"

    async def fill() -> None:
        async with open_store(url) as store:
            await seed(store, 1)

    anyio.run(fill)
    for ran, said in (
        (rolltop("demo", "--store", url), "the store holds entries already"),
        (rolltop("demo", "--store", "memory:"), "sqlite:///demo.db"),
    ):
        assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
        assert said in ran.err
    new = f"sqlite:///{tmp_path}/new.db"
    anyio.run(take_in, policies, f"{tmp_path}/new.db-handbooks")
    ran = rolltop("demo", "--store", new)
    assert ran.status == 2
    assert "new.db-handbooks holds handbooks of your own" in ran.err
    assert anyio.run(mark_of, new) == []
    assert "store: a company's\n" in rolltop("doctor", "--store", url).out


async def test_a_doctor_knows_which_tools_a_desk_has(tmp_path, monkeypatch):
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{tmp_path}/desk.db")
    store = MemoryStore()
    assert (await equipment(read_settings(), store)).tools == {"search_handbooks", "ask_back"}
    with closing(Catalogue(":memory:")) as catalogue:
        await make_demo(store, catalogue)
    assert "request_leave" in (await equipment(read_settings(), store)).tools


# The samples give way to one's own


def test_an_upload_of_ones_own_withdraws_the_samples_of_a_demo_and_the_page_says_so(start, samples, caplog):
    desk = start()
    at = page("handbooks", KEEPER)
    assert "30 sample handbooks of a fictional company" in texts(at)
    with caplog.at_level(logging.WARNING):
        upload(desk, "parrots.md", PARROTS)
    assert "30 sample handbooks were withdrawn" in caplog.text
    assert answers(desk) == {"parrots"}
    assert found(desk, "What is our policy on remote work?") in ([], ["parrots"])
    at = page("handbooks", KEEPER)
    assert "30 sample handbooks withdrawn" in texts(at)
    assert "31 documents" in texts(at)  # they stay on record
    (withdrawn, *_) = desk.run(desk.handbooks.changes(KEEPER, "working/remote-work"))
    assert (withdrawn.by, withdrawn.what) == ("desk", {"withdrawn": True})
    again = start()
    assert again.demo
    assert again.tools
    assert answers(again) == {"parrots"}


def test_the_ingest_command_withdraws_the_samples_and_says_so_once(start, samples, policies, capsys):
    assert start().demo
    assert main(["ingest", str(policies), "--as", "e-4001"]) == 0
    out = capsys.readouterr().out
    assert "withdrawn: 30 sample handbooks" in out
    assert out.splitlines()[-1].startswith("1 published")
    assert answers(app()) == {"parrots"}
    assert main(["ingest", str(policies), "--as", "e-4001", "--json"]) == 0
    assert '"withdrawn": 0' in capsys.readouterr().out


def test_the_folder_of_the_settings_withdraws_the_samples_of_a_demo(start, samples, policies, caplog):
    assert start().demo
    with caplog.at_level(logging.WARNING):
        desk = start(HANDBOOKS=str(policies))
    assert "30 sample handbooks were withdrawn" in caplog.text
    assert (desk.demo, answers(desk)) == (True, {"parrots"})


def test_what_leaves_the_folder_of_the_settings_is_removed_by_the_desk_itself(start, policies):
    write(policies, {"parrots.md": PARROTS, "remote.md": REMOTE})
    start(HANDBOOKS=str(policies))
    write(policies, {"parrots.md": PARROTS})
    desk = start(HANDBOOKS=str(policies))
    (removed,) = desk.run(desk.handbooks.changes(KEEPER, "remote"))
    assert (removed.by, removed.what) == ("desk", {"removed": True})


def test_a_file_that_cannot_be_read_withdraws_no_sample(start, samples):
    desk = start()
    upload(desk, "broken.pdf", "%PDF-1.7 and no more")
    assert len(answers(desk)) == 29


def test_a_document_of_ones_own_under_a_samples_name_leaves_nothing_of_the_sample_in_search(start, samples):
    desk = start()
    upload(desk, "working/remote-work.md", REMOTE)  # it comes into force in 2099
    assert answers(desk) == set()
    at = page("handbooks", KEEPER)
    assert "30 sample handbooks withdrawn" in texts(at)
    assert "no handbook to answer from" not in texts(at)


async def test_a_sample_taken_in_over_ones_own_leaves_ones_own_answering(tmp_path):
    write(tmp_path / "policies", {"working/remote-work.md": handbook("Remote work", "Days\nOur own rule: four days.")})
    async with open_handbooks(tmp_path / "index.db", embedder="none:") as handbooks:
        sample = Upload(name="working/remote-work.md", data=(SAMPLES / "working/remote-work.md").read_bytes())
        await handbooks.ingest(KEEPER, tmp_path / "policies")
        await handbooks.ingest(KEEPER, sample)
        assert await withdraw_samples(handbooks, demo=False) == 1
        (passage,) = await handbooks.retriever.search("Which days are our own rule?", EMPLOYEE, 5)
        assert "Our own rule" in passage.text


def test_the_list_of_samples_has_every_one_that_is_shipped(sample_catalogue):
    listed = (ROOT / "console" / "demo" / "sample_handbooks.sha256").read_text()
    for path in SAMPLES.glob("*/**/*.md"):
        line = f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(SAMPLES).as_posix()}"
        assert line in listed, f"add {line}"
    with closing(Catalogue(sample_catalogue)) as catalogue:
        documents = catalogue.documents()
    assert (count_samples(documents).answering, holds_own(documents)) == (30, False)


# A company's store


def test_an_earlier_versions_store_withdraws_the_samples_at_its_start_and_says_so(
    start, tmp_path, sample_catalogue, caplog
):
    shutil.copy(sample_catalogue, tmp_path / "desk.db-handbooks")
    with caplog.at_level(logging.WARNING):
        desk = start(STORE="sqlite:///desk.db")
    assert "30 sample handbooks were withdrawn, because this store is no demo" in caplog.text
    assert answers(desk) == set()
    at = page("handbooks", KEEPER)
    assert "30 sample handbooks withdrawn" in texts(at)
    assert "There is no handbook to answer from" in texts(at)
    assert "30 documents" in texts(at)
    caplog.clear()
    start(STORE="sqlite:///desk.db")
    assert "withdrawn" not in caplog.text
    assert "30 sample handbooks withdrawn" in texts(page("handbooks", KEEPER))


def test_a_companys_pages_offer_nothing_that_only_a_demo_has(start, policies):
    start(STORE="sqlite:///desk.db")
    at = page()
    assert "**Development sign-in.** Anyone on this machine can sign in as anyone" in texts(at)
    assert "fictional" not in texts(at)
    assert "No handbook applies to you yet" in texts(at)
    assert "rolltop ingest FOLDER" in texts(at)
    assert "your own records" not in texts(at)
    assert "tools" not in texts(at)
    assert not topics(at)
    assert "Upload one, or run" in texts(page("handbooks", KEEPER))
    upload(app(), "parrots.md", PARROTS)
    assert "No handbook applies to you yet" not in texts(page())


def test_the_development_sign_in_lets_nobody_into_a_companys_store_and_says_what_to_set(start):
    start(STORE="sqlite:///desk.db")
    at = page(viewer=None)
    assert "This store is no demo, so its people must sign in: set ROLLTOP_OIDC_ISSUER" in texts(at).replace("\\", "")
    assert not at.button
    assert "Development sign-in" not in texts(at)
    at.session_state["si_identity"] = choose("e-4001", "knowledge_owner", "").identity  # as if chosen while it was away
    at.run()
    assert [button.label for button in at.button] == ["Sign out"]
    assert not at.chat_input
    with pytest.raises(InvalidInput, match="no demo"):  # what the guard of uploads asks
        DevelopmentSignIn().sign_in({})


def topics(at):
    """The topics of the starter cards."""
    keys = [button.key or "" for button in at.button]
    return [key.removeprefix("chat_topic_") for key in keys if key.startswith("chat_topic_")]


def test_a_demo_offers_no_question_about_samples_that_were_withdrawn(start, samples):
    desk = start()
    assert len(topics(page())) == 5
    upload(desk, "parrots.md", PARROTS)
    assert sorted(topics(page())) == ["Leave", "Vacation"]
