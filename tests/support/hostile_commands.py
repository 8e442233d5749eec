"""A command with hostile texts: an answer or one line of error, and never a traceback or a character that is obeyed."""

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from console.cli.main import main
from tests.support.hostile import watched

GIGABYTE = 1_000_000  # in the unit of ru_maxrss


def run(arguments: Sequence[str], limit: float | None) -> tuple[int, str]:
    """The command's status and all that it printed. Its streams are those of a process: only stderr takes anything."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
    with redirect_stdout(out), redirect_stderr(err), watched(*([limit] if limit else [])):
        try:
            status = main(arguments)
        except SystemExit as exit:
            status = int(exit.code or 0)
    return status, b"".join(stream.buffer.getvalue() for stream in (out, err)).decode()


def faults_of(shown: str, arguments: Sequence[str], limit: float | None = None) -> list[str]:
    """What is wrong with what the command made of it; [] if nothing is. `shown` names the command and the text."""
    try:
        status, printed = run(arguments, limit)
    except Exception as error:
        return [f"{shown}: {type(error).__name__}: {str(error)[:200]}"]
    found = []
    if status not in (0, 1, 2):
        found.append(f"{shown}: status {status}")
    if "Traceback" in printed:
        found.append(f"{shown}: a traceback")
    if bad := re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed):
        found.append(f"{shown}: prints {bad[0]!r}")
    if len(printed) > 20_000:
        found.append(f"{shown}: prints {len(printed)} characters")
    return found


def possible(text: str) -> bool:
    """Whether a process can be given this text: a NUL ends an argument, and half a surrogate pair has no bytes."""
    return "\0" not in text and "\ud800" not in text
