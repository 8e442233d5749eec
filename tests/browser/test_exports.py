"""Exports in a real browser: from a list to the file in three clicks, and an HTML file that loads nothing."""

import hashlib
import io
import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from backends.stores.opening import open_store
from console.demo.mark import ADMINISTRATION
from core import Desk, Viewer, tool
from core.clock import SystemClock
from core.log.commit import begin_stream
from core.log.facts import DemoMarked
from tests.browser.conftest import PURPOSE
from tests.browser.test_console import expect
from tests.retrieval.test_searching import Library, passage
from tests.support.consoles import CATALOGUE, running
from tests.support.desks import PATIENCE, QUICK, ended
from tests.support.seeding import seed

ASKER = Viewer("e-1042")
AUDITOR = Viewer("e-2001", {"auditor"}, purpose="</table><script>document.title='taken'</script>")


def hostile(url):
    """Text that a browser would load something for, or run, if it were not escaped."""
    return (
        f"</pre></div></title></style><script src={url}/s.js></script><script>document.title='taken'</script>"
        f"<img src={url}/i.png onerror=\"document.title='taken'\"><iframe src='{url}/f'></iframe>"
        f"<style>@import url({url}/c.css); body {{ background: url({url}/b.png) }}</style>"
        f"<link rel=stylesheet href={url}/l.css><meta http-equiv=refresh content='0; url={url}/m'>"
        f"<svg onload=\"document.title='taken'\"></svg>![image]({url}/markdown.png)\u202e\x00"
    )


async def _hostile_export(url):
    """A thread in which each text is hostile, as an HTML export of it and of its calls."""
    text = hostile(url).replace("\x00", "")

    @tool(effect="read")
    def fetch(what: str) -> str:
        """Fetch."""
        return text

    @tool(effect="read")
    def refuse() -> str:
        """Refuse."""
        raise ValueError(text)

    found = passage("p1", f"25 days. {text}", title=text, section=[text], version=text)
    script = [[Call("fetch", {"what": text}), Call("refuse", {})], [Say(f"25 days [1]. {text}")]]
    store = MemoryStore()
    async with Desk(
        store,
        ScriptedModel(script),
        tools=[fetch, refuse],
        retriever=Library({text: [found, passage("p2", "30 days.")]}),
        options=QUICK,
    ) as desk:
        thread = (await desk.create_thread(ASKER, title=text[:200])).id
        turn = await ended(desk, await desk.submit(ASKER, thread, text), ASKER)
        await desk.give_feedback(ASKER, turn.id, "down", text)
        exports = [
            await desk.exports.export_threads(AUDITOR, [thread], "html"),
            await desk.exports.export_calls(
                AUDITOR, [call.id for call in await desk.archive.tool_calls(ASKER, thread)], "html"
            ),
        ]
    contents = []
    for export in exports:
        with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
            contents.append(archive.read(f"{export.manifest.kind}.html"))
    return contents


@pytest.fixture(scope="module")
def hostile_exports(catcher):
    """Made before the browser starts, whose loop is then the only one in this thread."""
    return anyio.run(_hostile_export, catcher.url)


@pytest.fixture(scope="module")
def seeded(sample_catalogue, tmp_path_factory):
    """A demo with 60 threads; made before the browser starts, too."""
    folder = tmp_path_factory.mktemp("seeded")

    async def make():
        async with open_store(f"sqlite:///{folder}/desk.db") as store:
            await begin_stream(store, SystemClock(), ADMINISTRATION, [DemoMarked()], patience=PATIENCE)
            await seed(store, 60)

    anyio.run(make)
    shutil.copy(sample_catalogue, folder / CATALOGUE)
    with running(folder, "offline:", demo=False) as console:
        yield console


def test_an_html_export_of_hostile_text_loads_and_runs_nothing(hostile_exports, seeded, catcher, browser, tmp_path):
    assert len(hostile_exports) == 2
    for number, content in enumerate(hostile_exports):
        file = tmp_path / f"{number}.html"
        file.write_bytes(content)
        page = browser.new_page()
        requests = []
        page.on("request", lambda request, seen=requests: seen.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        assert requests == [file.as_uri()]
        assert page.title() == "Rolltop export"
        assert page.locator("script, img, iframe, link, svg").count() == 0
        assert page.get_by_text("onerror").count() >= 3
        page.close()
    assert catcher.paths == []


def test_three_clicks_lead_from_a_filtered_list_to_the_file_which_is_on_record_only_then(seeded, sign_in):
    page = sign_in(seeded, "e-2001")
    page.goto(f"{seeded.url}/threads?th_time=all")
    page.get_by_label("Words").fill("number3")
    page.get_by_label("Words").press("Enter")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("11 threads of 11 people")).to_be_visible()
    assert exports_on_record(seeded) == []
    page.get_by_text("CSV, for spreadsheets").click()
    with page.expect_download() as download:
        page.locator("[class*=_export_file_csv]").get_by_role("button").click()
    with open(download.value.path(), "rb") as file:
        content = file.read()
    (look,) = exports_on_record(seeded)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["threads.csv", "manifest.json"]
        manifest = archive.read("manifest.json")
    assert json.loads(manifest)["purpose"] == PURPOSE
    assert json.loads(manifest)["threads"] == len(look["owners"]) == 11
    assert look["manifest"] == hashlib.sha256(manifest).hexdigest()


def test_a_list_of_more_than_50_threads_says_why_it_is_not_exported_and_what_to_do(seeded, sign_in):
    page = sign_in(seeded, "e-2001")
    page.goto(f"{seeded.url}/threads?th_time=all")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("An export of more than 50 threads needs a second person")).to_be_visible()
    expect(page.get_by_text("narrow the filter")).to_be_visible()
    expect(page.get_by_role("button", name="Download")).to_have_count(0)


def test_calls_and_one_thread_are_exported_from_their_pages(seeded, sign_in):
    page = sign_in(seeded, "e-2001")
    for path, button, name in (
        ("tool-calls?tc_time=all&tc_status=failed", "Export", "calls.html"),
        ("thread?tr_id=t-3", "Export this thread", "threads.html"),
    ):
        page.goto(f"{seeded.url}/{path}")
        page.get_by_role("button", name=button).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        with zipfile.ZipFile(download.value.path()) as archive:
            assert archive.namelist() == [name, "manifest.json"]


def exports_on_record(console):
    """The shells of the auditor's exports, oldest first."""

    async def read():
        async with open_store(f"sqlite:///{console.folder}/desk.db") as store:
            return [entry.shell for entry in await store.read("audit:e-2001") if entry.shell["action"] == "export"]

    # In a thread of its own: the loop that drives the browser runs in this one.
    with ThreadPoolExecutor() as threads:
        return threads.submit(anyio.run, read).result()
