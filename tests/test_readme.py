"""The README's promises to a newcomer: its code runs as it is printed."""

import re
import subprocess
import sys

from tests.support.paths import ROOT

README = ROOT / "README.md"


def test_the_first_screen_of_code_runs_and_answers(tmp_path):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code, "the README shows no code"
    (tmp_path / "example.py").write_text(code[1])
    ran = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "completed" in ran.stdout
    assert "12" in ran.stdout
    assert (tmp_path / "desk.db").exists()


def test_the_code_about_handbooks_runs_and_cites_the_askers_country(tmp_path):
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "ingest" in block
    )
    (tmp_path / "example.py").write_text(code)
    (tmp_path / "sample_handbooks").symlink_to(README.parent / "sample_handbooks")
    ran = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "30 published" in ran.stdout
    assert "Sick leave: UK" in ran.stdout


def test_the_two_commands_are_printed():
    text = README.read_text()
    assert "pip install -e '.[console]' && streamlit run console" in text
    assert "pip install -e '.[dev]' && pytest" in text
