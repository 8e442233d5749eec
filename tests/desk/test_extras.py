"""What is missing on this machine is named, with the command that gets it: a package of an extra, or our own `core`."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from backends.extras import EXTRAS
from core import InvalidInput, MissingExtra
from tests.support.desks import PATIENCE

ROOT = Path(__file__).parents[2]
OPTIONAL = {"genai-prices", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"}
"""Without it a model's cost is unknown; models work."""

USES = {
    "sqlite": "from backends import SqliteStore",
    "mongodb": "from backends import MongoStore",
    "openai": "from backends import ChatModel",
    "anthropic": "from backends import MessagesModel",
    "handbooks": "from backends import open_handbooks",
    "pinecone": "from backends.vectors.pinecone.index import PineconeVectors",
    "console": "import console.app",
}
OPENED = {
    "sqlite": "open_store('sqlite:///nowhere.db')",
    "mongodb": "open_store('mongodb://127.0.0.1:1/desk')",
    "openai": "open_model('openai:m')",
    "anthropic": "open_model('anthropic:m')",
    "handbooks": "open_model('offline:')",
}
"""As an application opens them; `memory:` and a script need no extra."""

PROGRAM = """
import asyncio, json, sys
uses, opened, extras = json.loads(sys.argv[1])
for modules in extras.values():
    for module in modules:
        sys.modules[module] = None
from backends import open_model, open_store
async def open_it(extra, opening):
    store = eval(opening)
    await store.__aenter__()
async def main():
    async with open_store("memory:"):
        said = {}
    for name, tried in (("uses", uses), ("opened", opened)):
        for extra, text in tried.items():
            try:
                exec(text) if name == "uses" else await open_it(extra, text)
            except ImportError as error:
                said[f"{name} {extra}"] = [type(error).__name__, str(error)]
    print(json.dumps(said))
asyncio.run(main())
"""


def run(program, *arguments, **options):
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)


def test_a_missing_extra_is_named_with_the_command_that_installs_it():
    done = run(PROGRAM, json.dumps([USES, OPENED, EXTRAS]), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said) == {f"uses {extra}" for extra in USES} | {f"opened {extra}" for extra in OPENED}
    for use, (error, message) in said.items():
        extra = use.partition(" ")[2]
        # What reads vectors is checked for the extra of all handbooks first.
        named = "handbooks" if extra == "pinecone" else extra
        assert error == "MissingExtra"
        assert re.fullmatch(rf"\w+ is not installed: pip install 'rolltop\[{named}\]'", message), message


def test_a_missing_extra_is_an_import_error_and_an_invalid_input():
    assert issubclass(MissingExtra, ImportError)
    assert issubclass(MissingExtra, InvalidInput)


def test_the_extras_are_those_of_the_package_with_all_they_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {module: {one.casefold() for one in found} for module, found in packages_distributions().items()}
    for extra, modules in EXTRAS.items():
        listed = {re.split(r"[\[<>=,]", one)[0] for one in project["optional-dependencies"][extra]}
        if "rolltop[sqlite]" in project["optional-dependencies"][extra]:
            listed.add("apsw")
        # Several packages may share one name, as those of OpenTelemetry do.
        needed = {min(names[module] & listed or names[module]) for module in modules}
        assert needed == listed - {"rolltop"} - OPTIONAL, extra


def test_another_package_called_core_is_named_before_anything_of_it_runs(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("print('not ours')")
    done = run("from backends import open_store", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: Rolltop's package `core` is in ")
    assert str(tmp_path / "core") in last
    assert "rename the other package" in last
