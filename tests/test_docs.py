"""The promises of README and docs to a newcomer: code runs as it is printed, names exist, links lead somewhere."""

import asyncio
import json
import re
import runpy
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

import core.errors
from backends import MemoryStore, open_model
from console.cli.main import _parser
from core import Desk, RolltopError, Viewer
from core.model import ErrorCode
from tests.support.doc_code import CODE, DOCS, README, Code, blocks
from tests.support.doc_names import resolves, spoken_names
from tests.support.paths import ROOT, SAMPLES

EXAMPLES = sorted((ROOT / "examples").glob("*.md"))
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ARCHITECTURE, *DOCS, *EXAMPLES]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder with the sample handbooks in it, and keys that no server would take."""
    (tmp_path / "sample_handbooks").symlink_to(SAMPLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")
    return tmp_path


def run(code: Code, folder: Path) -> None:
    """Run a program as `python FILE` does, or a page's fragments with what the reader is told that they have."""
    file = folder / f"{code.name}.py"
    file.write_text(code.text)
    if not code.fragments:
        runpy.run_path(str(file), run_name="__main__")
        return
    module = runpy.run_path(str(file))

    async def main() -> None:
        store, model = MemoryStore(), module.get("model") or open_model("offline:?delay=0")
        asker, auditor = Viewer("e-1042"), Viewer("e-2001", {"auditor"}, purpose="sample")
        async with Desk(store, model, tools=module.get("tools", ())) as desk:
            await module["fragments"](store, model, desk, await desk.create_chat(asker), asker, auditor)

    asyncio.run(main())


PRINTED = {
    "first_chat_docs_1": ["completed", "12"],
    "tools_docs_1": ["awaiting_approval", "2027-03-01", "completed"],
    "tools_docs_3": ["reported", "Bank Graz"],
    "structured_output_docs_1": ["5 wedding"],
    "own_data_docs_1": ["None completed"],
    "handbooks_docs_1": ["30 published", "Sick leave: UK"],  # the handbook of the asker's country
}


@pytest.mark.parametrize("code", CODE, ids=lambda code: code.name)
def test_code_runs_as_it_is_printed(code, folder, capsys):
    run(code, folder)
    printed = capsys.readouterr().out
    assert code.fragments or printed.strip()
    assert [words for words in PRINTED.get(code.name, []) if words not in printed] == []


def test_the_programs_whose_output_is_checked_are_there():
    assert PRINTED.keys() - {code.name for code in CODE} == set()


def test_the_first_program_runs_by_itself_and_answers_with_its_tools_result(folder):
    (folder / "example.py").write_text(blocks(README)[0])
    ran = subprocess.run([sys.executable, "example.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "25" in ran.stdout
    assert (folder / "desk.db").exists()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """All code of the pages and the examples in one folder, for type checkers."""
    folder = tmp_path_factory.mktemp("code")
    for code in CODE:
        (folder / f"{code.name}.py").write_text(code.text)
    for example in (ROOT / "examples").glob("*.py"):
        (folder / f"example_{example.name}").write_text(example.read_text())
    return folder


def test_mypy_finds_nothing_in_strict_mode(files):
    # In the project's folder, with its settings: so the cache of `mypy` serves both.
    command = [sys.executable, "-m", "mypy", *sorted(map(str, files.glob("*.py")))]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.skipif(
    find_spec("basedpyright") is None, reason="basedpyright is not installed: it comes with the extra dev"
)
def test_pyright_finds_nothing_in_strict_mode(files):
    settings = {
        "include": [str(files)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        # A fragment defines functions and names to show them.
        "reportUnusedFunction": False,
        "reportUnusedClass": False,
        "reportUnusedVariable": False,
    }
    (files / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--project", str(files), "--pythonpath", sys.executable]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def objects():
    """What small names on the pages stand for. Nothing is asked of them but their attributes."""
    desk = Desk(MemoryStore(), open_model("offline:"))
    return {"desk": desk, "chat": asyncio.run(desk.create_chat(Viewer("e-1042")))}


@pytest.mark.parametrize("page", [README, *DOCS], ids=lambda page: page.name)
def test_each_name_that_a_page_speaks_of_exists(page, objects):
    assert [name for name in spoken_names(page.read_text()) if not resolves(name, objects)] == []


def test_a_name_that_does_not_exist_is_found_out(objects):
    text = "`Desk.submit`, `desk.archive.turn(viewer)`, `Reply.text`, `Event.kind`, `core.store.Store`"
    assert [name for name in spoken_names(text) if not resolves(name, objects)] == []
    text = "`Desk.summit`, `desk.archive.turns`, `Reply.txet`, `core.nothing`"
    assert [name for name in spoken_names(text) if not resolves(name, objects)] == [
        "Desk.summit",
        "desk.archive.turns",
        "Reply.txet",
        "core.nothing",
    ]


def test_each_class_of_error_is_explained():
    classes = {
        name for name, value in vars(core.errors).items() if isinstance(value, type) and issubclass(value, RolltopError)
    }
    explained = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    assert len(classes) > 10
    assert classes - set(explained) == set()


def test_each_code_of_a_models_failure_is_explained():
    text = (ROOT / "docs" / "errors.md").read_text().partition("## Why a turn failed")[2]
    explained = {
        code for cell in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE) for code in re.findall(r"\w+", cell)
    }
    assert set(get_args(ErrorCode)) - explained == set()


def links(page: Path) -> list[str]:
    """The links to files, as they are written, without what stands after #."""
    return re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())


def test_each_page_is_two_links_from_the_readme():
    first = {(ROOT / link).resolve() for link in links(README)}
    second = {(page.parent / link).resolve() for page in first if page.suffix == ".md" for link in links(page)}
    assert [page.name for page in DOCS if page not in first | second] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file(page):
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def anchor(heading: str) -> str:
    """The name of a heading in links, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_into_a_page_leads_to_a_heading(page):
    missing = []
    for link, target in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]*)\)", page.read_text()):
        text = (page.parent / link if link else page).read_text()
        if target not in map(anchor, re.findall(r"^#+ (.*)$", text, re.MULTILINE)):
            missing.append(f"{link}#{target}")
    assert missing == []


def test_the_two_commands_are_printed_and_the_page_is_short():
    text = README.read_text()
    assert "pip install -e '.[console]' && streamlit run console" in text
    assert "pip install -e '.[dev]' && pytest" in text
    assert len(text.splitlines()) <= 120


def commands(page: Path) -> list[str]:
    """What stands behind `rolltop` in the page's shell blocks."""
    shell = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return re.findall(r"^(?:[A-Z_]+=\S+ )*rolltop (.*)$", "\n".join(shell), re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_each_command_of_a_page_has_the_options_that_it_needs_and_no_others(page):
    for command in commands(page):
        _parser().parse_args(shlex.split(command, comments=True))  # exits, with the reason, if it does not know it


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_test_and_module_that_a_page_names_is_there(page):
    text = page.read_text()
    named = re.findall(r"pytest (tests/[\w/]+\.py)", text)
    named += [f"{module.replace('.', '/')}" for module in re.findall(r"python -m (tests[\w.]+)", text)]
    missing = [
        name
        for name in named
        if "NAME" not in name and not any((ROOT / f"{name}{end}").exists() for end in ("", ".py"))
    ]
    assert missing == []


def missing_paths(text):
    """The paths in a text's code spans that lead nowhere from the clone's root, nor from a folder in a package."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = [
        re.match(r"(.*?)(?:\{(.*)\}(.*))?$", span).groups(default="") for span in re.findall(r"`([^`\n]+)`", prose)
    ]
    named = [f"{before}{one}{after}" for before, choices, after in spans for one in choices.split(",")]
    paths = {name.rstrip("/") for name in named if re.fullmatch(r"[\w.*-]+(/[\w.*-]*)+|\w+\.py", name)}
    folders = [ROOT, *(folder for top in ("core", "backends", "console", "pages", "tests") for folder in below(top))]
    return {
        path for path in paths if not any(any(folder.glob(f"{path}{end}")) for folder in folders for end in ("", ".py"))
    }


def below(top):
    return [ROOT / top, *(folder for folder in (ROOT / top).rglob("*/") if folder.is_dir())]


def test_each_path_that_architecture_names_is_there():
    assert missing_paths(ARCHITECTURE.read_text()) == set()


def test_a_path_that_is_not_there_is_found_out():
    text = "`core/desk/{desk,nothing}`, `stores/test_store_*`, `nowhere/`, `desk.py`, `sqlite_errors.py`, `sqlite:///a`"
    assert missing_paths(text) == {"core/desk/nothing", "nowhere", "sqlite_errors.py"}
