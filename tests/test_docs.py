"""The promises of README and docs to a newcomer: code runs as it is printed, links lead somewhere, commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, SAMPLES

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), 1)
    if "asyncio.run(" in code
]


def run(code: str, folder: Path) -> str:
    """What the program prints, run in the folder with the sample handbooks beside it."""
    (folder / "example.py").write_text(code)
    (folder / "sample_handbooks").symlink_to(SAMPLES)
    ran = subprocess.run([sys.executable, "example.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("code", PROGRAMS)
def test_a_program_runs_as_it_is_printed(code, tmp_path):
    assert run(code, tmp_path).strip()
    assert (tmp_path / "desk.db").exists()


def test_the_first_program_calls_its_tool_and_answers_with_the_result(tmp_path):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code, "the README shows no code"
    assert "25" in run(code[1], tmp_path)


def test_the_program_about_handbooks_cites_the_handbook_of_the_askers_country(tmp_path):
    library = (ROOT / "docs" / "library.md").read_text()
    code = next(block for block in re.findall(r"```python\n(.*?)```", library, re.DOTALL) if "ingest" in block)
    printed = run(code, tmp_path)
    assert "30 published" in printed
    assert "Sick leave: UK" in printed


def test_the_two_commands_are_printed_and_the_page_is_short():
    text = README.read_text()
    assert "pip install -e '.[console]' && streamlit run console" in text
    assert "pip install -e '.[dev]' && pytest" in text
    assert len(text.splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


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
