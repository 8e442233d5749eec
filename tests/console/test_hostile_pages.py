"""Hostile texts through the URL and the widgets of every page: the page says something, and shows no traceback.

A URL's parameters are found in the source by their form, a page's widgets by drawing it. A widget's state is forged as
a program could send it: with texts that the page never offered.
"""

import ast
import re
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from console.app import app, close
from console.cli.main import main
from core.gate import ROLES, Viewer
from tests.support.desks import PATIENCE
from tests.support.hostile import HOSTILE, LIMIT, watched
from tests.support.paths import ROOT
from tests.support.signing_in import sign_in

EVERYBODY = Viewer("e-1042", set(ROLES), purpose="quality sample", country="austria")
PAGES = sorted(file.stem for file in (ROOT / "pages").glob("*.py") if file.stem != "__init__")
ROUNDS = 1
"""Runs of each page in every run of this file, each with other texts; the marker torture makes all of them."""

TEXTS = [text for text in HOSTILE if text.encode(errors="ignore").decode() == text]
"""Those that a browser can send: half a surrogate pair has no bytes."""


def parameters() -> list[str]:
    """The names that stand in URLs, and those of widgets, which are made alike: a page's prefix and a word."""
    found, prefixes, words = {"thread"}, set(), set()
    for file in (*(ROOT / "pages").glob("*.py"), *(ROOT / "console").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Constant(value=str(text)) if re.fullmatch("[a-z]{2}_[a-z_]*[a-z]", text):
                    found.add(text)
                    prefixes.add(text[:2])
                case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(text))]) if re.fullmatch(
                    "_[a-z_]+", text
                ):
                    words.add(text)
    # What the sign-in keeps is no parameter, and is not read from a URL.
    return sorted(name for name in {*found, *(p + word for p in prefixes for word in words)} if name[:3] != "si_")


PARAMETERS = parameters()


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory, sample_catalogue: Path) -> Iterator[dict[str, str]]:
    """A demo console with one answered question, and the ids of what is in it, by the parameters that name them."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(sample_catalogue, folder / "desk.db-handbooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLTOP_STORE", f"sqlite:///{folder}/desk.db")
        assert main(["demo"]) == 0
        patch.setenv("ROLLTOP_MODEL", "offline:?delay=0")
        config.set_option("server.address", "127.0.0.1")
        at = opened("chat")
        at.chat_input[0].set_value("How many vacation days do I have in 2026?").run()
        assert not at.exception
        desk, run = app().desk, app().run
        thread = run(desk.archive.threads(EVERYBODY)).items[0].id
        [call] = run(desk.archive.tool_calls(EVERYBODY, thread))
        yield {"thread": thread, "tr_id": thread, "tc_id": call.id, "tr_turn": call.turn}
        close()


def opened(page: str) -> AppTest:
    """A new session, at this page."""
    at = AppTest.from_file(str(ROOT / "console" / "main.py"), default_timeout=PATIENCE)
    sign_in(at, EVERYBODY)
    at.run()
    return at if page == "chat" else at.switch_page(f"../pages/{page}.py").run()


def faults(at: AppTest, shown: str) -> list[str]:
    """What the page shows that it must not."""
    return [f"{shown}: {error.message[:200]} {error.stack_trace[-1:]}" for error in at.exception]


def from_urls(page: str, rounds: range, known: dict[str, str], limit: float = PATIENCE) -> list[str]:
    """What is wrong with this page when it is opened by URLs whose parameters are hostile, but for those of `known`."""
    found = []
    for turn in rounds:
        at = opened(page)
        for number, name in enumerate(PARAMETERS):
            at.query_params[name] = known.get(name) or TEXTS[(number + turn) % len(TEXTS)]
        with watched(limit):
            found += faults(at.run(), f"{page}, round {turn}")
    return found


def from_widgets(page: str, rounds: range, known: dict[str, str], limit: float = PATIENCE) -> list[str]:
    """What is wrong with this page when its widgets send hostile texts."""
    found = []
    for turn in rounds:
        at = opened(page)
        for name, value in known.items():
            at.query_params[name] = value
        at.run()
        with watched(limit):
            found += faults(at._run(forged(at, turn)), f"{page}, widgets, round {turn}")
    return found


def forged(at: AppTest, turn: int) -> WidgetStates:
    """The states of the page's widgets, each that is a text or a list of texts another one."""
    states = at._tree.get_widget_states()
    # A thumb is a number in Streamlit's protocol, which its own code reads before the page does.
    thumbs = {thumb.proto.id for thumb in at.get("feedback")}
    for number, state in enumerate(states.widgets):
        if state.id in thumbs:
            continue
        text = TEXTS[(number + turn) % len(TEXTS)]
        match state.WhichOneof("value"):
            case "string_value" | "json_value" as kind:
                setattr(state, kind, text)
            case "string_array_value":
                state.string_array_value.data[:] = [text]
            case "chat_input_value":
                state.chat_input_value.data = text
    return states


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_hostile_parameters_and_widget_states(page, ids):
    rounds = range(ROUNDS)
    found = from_urls(page, rounds, {}) + from_urls(page, rounds, ids) + from_widgets(page, rounds, ids)
    assert not found, "\n".join(found)


@pytest.mark.torture
@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_all_hostile_texts_in_time_and_memory(page, ids):
    rounds = range(len(TEXTS))
    found = [fault for check in (from_urls, from_widgets) for fault in check(page, rounds, ids, LIMIT)]
    found += from_urls(page, rounds, {}, LIMIT)
    assert not found, "\n".join(found)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_000_000
