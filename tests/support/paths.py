"""Where the tests find the project's files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout. Programs of the tests run here, as `python -m tests...`."""

SAMPLES = ROOT / "sample_handbooks"
QUESTIONS = ROOT / "tests" / "eval" / "questions.jsonl"

CHROMIUM = next(
    (path for path in map(Path, ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")) if path.exists()), None
)
"""The browser, None if this machine has none. The shell draws no window of its own: a quarter less of the time."""
