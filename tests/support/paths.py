"""Where the tests find the project's files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout. Programs of the tests run here, as `python -m tests...`."""

SAMPLES = ROOT / "sample_handbooks"
QUESTIONS = ROOT / "tests" / "eval" / "questions.jsonl"
