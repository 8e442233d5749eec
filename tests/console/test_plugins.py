"""Plug-ins: which tools a desk gets by the settings, and what is said of one that does not fit."""

import json
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent

import anyio
import pytest

from console.app import app, close
from console.plugins import make_plugins, tools_of
from console.settings import read_settings
from console.tool_words import tool_words
from core.errors import InvalidInput
from core.gate import Viewer
from tests.support.paths import ROOT

EXAMPLE = ROOT / "examples" / "hr_plugin"
TOOL = '''
from console.plugins import Plugin
from core import tool

@tool(effect="read")
def {tool}() -> str:
    """What the canteen serves."""
    return "soup"

class Desk:
    async def send(self, ticket):
        return "T-1"

def make(context):
    {body}
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a module with entry points on the path, as an installer would."""
    place = tmp_path / "installed"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))

    def put(module, source, entry_points):
        (place / f"{module}.py").write_text(source)
        info = place / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[rolltop.tools]", *lines, ""]))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


def plugin(name="canteen", tool="menu", body="return Plugin(tools=[menu])"):
    return name, TOOL.format(tool=tool, body=dedent(body)), {name: f"{name}:make"}


@pytest.fixture
def hr_system():
    """A company's HR system, which gives a balance to whoever has the token; yields its URL and what was asked."""
    asked = []

    class Balances(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps({"days_left": 17.5, "salary": 1}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Balances)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_companys_console_answers_with_the_tools_of_the_example(install, hr_system, monkeypatch, tmp_path):
    url, asked = hr_system
    declared = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]["rolltop.tools"]
    install("hr_plugin", (EXAMPLE / "hr_plugin.py").read_text(), declared)
    file = tmp_path / "rolltop.toml"
    file.write_text(f'tools = ["hris"]\nstore = "memory:"\nembedder = "none:"\n[plugins.hris]\nurl = "{url}"\n')
    for name, value in {"FILE": str(file), "PLUGINS_HRIS_TOKEN": "hunter2"}.items():
        monkeypatch.setenv(f"ROLLTOP_{name}", value)
    desk, run, asker = app().desk, app().run, Viewer("e-1042")

    async def ask():
        chat = await desk.create_chat(asker)
        return await chat.ask("How many days of leave do I have left? Please look at my leave balance")

    reply = run(ask())
    assert [(call.tool, call.status) for call in reply.tool_calls] == [("leave_balance", "succeeded")]
    assert "17.5" in reply.text
    assert asked == [("/balances/e-1042", "Bearer hunter2")]
    assert tool_words("leave_balance").done == "Leave balance"
    assert (app().demo, app().handover) == (False, False)
    close()


def test_an_installed_plugin_counts_only_if_it_is_named(install, monkeypatch):
    install(*plugin())
    assert make_plugins(read_settings().tools, demo=False) == {}
    monkeypatch.setenv("ROLLTOP_TOOLS", "canteen")
    made = make_plugins(read_settings().tools, demo=False)
    assert {name: [tool.name for tool in one.tools] for name, one in made.items()} == {"canteen": ["menu"]}


def test_a_demo_has_its_own_tools_unless_it_names_others(install):
    install(*plugin())
    assert [tool.name for tool in tools_of(make_plugins([], demo=True))] == [
        "vacation_balance",
        "request_leave",
        "salary_letter",
    ]
    assert list(make_plugins(["canteen"], demo=True)) == ["canteen"]
    assert list(make_plugins(["canteen", "demo"], demo=True)) == ["canteen", "demo"]
    with pytest.raises(InvalidInput, match=r"invented records.*only the store of a demo"):
        make_plugins(["demo"], demo=False)


@pytest.mark.parametrize(
    ("named", "body", "said"),
    [
        (["cateen"], "return Plugin(tools=[menu])", r"'cateen' are installed; installed are .*canteen.*demo"),
        (["canteen"], "return [menu]", r"'canteen'.*canteen:make must return a console.plugins.Plugin"),
        (["canteen"], "return Plugin(tools=[make])", r"'canteen'.*Plugin of Tools"),
        (["canteen"], "return Plugin(tools=[menu, menu])", r"'canteen': menu is there twice"),
        (["canteen"], "1 / 0", r"'canteen' cannot be made: ZeroDivisionError"),
        (["canteen", "second"], "return Plugin(tools=[menu])", r"menu of 'second' is one of 'canteen', too"),
        (["canteen", "third"], "return Plugin(tools=[], handover=Desk())", r"one hand-over.*canteen, third"),
        (["fourth"], "return Plugin(tools=[])", r"search_handbooks of 'fourth' is one of 'the desk'"),
        (["broken"], "return Plugin(tools=[])", r"'broken' cannot be made: AttributeError"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_plugins_name(install, named, body, said):
    install(*plugin(body=body))
    install(*plugin("second"))
    install(*plugin("third", body="return Plugin(tools=[], handover=Desk())"))
    install(*plugin("fourth", "search_handbooks", "return Plugin(tools=[search_handbooks])"))
    install("broken", "", {"broken": "broken:missing"})
    with pytest.raises(InvalidInput, match=said):
        make_plugins(named, demo=False)


def test_a_plugins_own_settings_are_checked_in_its_name(install, monkeypatch):
    install("hr_plugin", (EXAMPLE / "hr_plugin.py").read_text(), {"hris": "hr_plugin:hris"})
    monkeypatch.setenv("ROLLTOP_PLUGINS_HRIS_TOKN", "hunter2")
    with pytest.raises(InvalidInput) as caught:
        make_plugins(["hris"], demo=False)
    assert "'hris': plugins.hris.url: it must be set" in str(caught.value)
    assert "ROLLTOP_PLUGINS_HRIS_TOKN: unknown setting: write ROLLTOP_PLUGINS_HRIS_TOKEN" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_pydantic_says_of_a_plugins_value_is_told_without_the_value(install):
    install(*plugin(body="import pydantic; pydantic.TypeAdapter(int).validate_python('hunter2')"))
    with pytest.raises(InvalidInput, match=r"'canteen' cannot be made: .*should be a valid integer") as caught:
        make_plugins(["canteen"], demo=False)
    assert "hunter2" not in str(caught.value)


def test_the_demos_plugin_makes_no_file_before_a_tool_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (demo,) = make_plugins([], demo=True).values()
    anyio.run(demo.close)
    assert list(tmp_path.iterdir()) == []
