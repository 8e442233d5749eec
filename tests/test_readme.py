"""The promises of README.md and docs/ to a newcomer: their programs run as they are printed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.paths import ROOT, SAMPLES

README = ROOT / "README.md"
PRINTED = {
    "README.md 1": ["succeeded", "25"],
    "library.md 1": ["completed", "12"],
    "library.md 2": ["30 published", "Sick leave: UK"],
}
"""What the program in each block must print, among other things."""


def programs() -> Iterator[tuple[str, str]]:
    """The blocks that are whole programs, by their file and place in it; other blocks only show a call."""
    for page in [README, *sorted((ROOT / "docs").glob("*.md"))]:
        place = count(1)
        for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            if "async def main" in code or "asyncio.run(" in code:
                yield f"{page.name} {next(place)}", code


PROGRAMS = dict(programs())


@pytest.mark.parametrize("block", PROGRAMS)
def test_a_printed_program_runs_and_prints_what_it_shows(block, tmp_path):
    (tmp_path / "example.py").write_text(PROGRAMS[block])
    (tmp_path / "sample_handbooks").symlink_to(SAMPLES)
    ran = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert [text for text in PRINTED[block] if text not in ran.stdout] == []
    assert (tmp_path / "desk.db").exists()


def test_every_program_whose_output_is_known_is_printed():
    assert set(PROGRAMS) == set(PRINTED)


def test_the_two_commands_are_printed():
    text = README.read_text()
    assert "pip install -e '.[console]' && streamlit run console" in text
    assert "pip install -e '.[dev]' && pytest" in text
