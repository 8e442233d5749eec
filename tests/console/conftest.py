"""What the tests of pages share."""

from functools import cache
from pathlib import Path

import console.app
from backends.care.opening import open_care
from backends.care.recogniser import Recogniser
from console.demo.samples import CARDS
from tests.support.streamlit_once import compile_once, run_as_a_console_does, scan_once

sample_care = cache(open_care)


def open_care_once(folder: Path | None) -> Recogniser:
    """The recogniser with the sample cards is made once in a process: its thousand phrases are read for 0.2 seconds."""
    return sample_care(CARDS) if folder == CARDS else open_care(folder)


setattr(console.app, "open_care", open_care_once)  # noqa: B010 - mypy lets no function be assigned to
scan_once()
compile_once()
run_as_a_console_does()
