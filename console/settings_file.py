"""rolltop.toml: the file with the settings that need a table, read in one place for all that have one.

Variables of the environment come first. Which of them stand for which field is for the readers of the tables to say.
Last come the tables of these names in Streamlit's own files of secrets, which may hold what rolltop.toml should not.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import InvalidInput

PREFIX = "ROLLTOP_"
FILE = "ROLLTOP_FILE"
"""The variable with the path of rolltop.toml; without it, the file in the working folder, if there is one."""

TABLES = ("sign_in", "oidc", "proxy", "models")


SECRETS = Path(".streamlit", "secrets.toml")
"""Where Streamlit has secrets: in the home folder, and in the working folder, whose values come first."""


def read_tables(environment: Mapping[str, str]) -> dict[str, Any]:
    """The files' tables, {} without a file. Raises InvalidInput if one cannot be read, and for an unknown table."""
    path = environment.get(FILE, "")
    file = Path(path or "rolltop.toml")
    tables = _read(file, FILE) if path or file.exists() else {}
    if unknown := sorted(tables.keys() - set(TABLES)):
        raise InvalidInput(f"{file.name}: unknown {', '.join(unknown)}; the tables are {', '.join(TABLES)}")
    for secrets in (SECRETS, Path.home() / SECRETS):
        if secrets.exists():
            # Its other tables belong to whatever else Streamlit runs.
            held = {name: table for name, table in _read(secrets, str(SECRETS)).items() if name in TABLES}
            tables = _over(tables, held)
    return tables


def _read(file: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file.name} is not TOML: {error}") from None


def _over(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """The tables of `first`, with what they lack from `then`."""
    merged = {**then, **first}
    for name in first.keys() & then.keys():
        if isinstance(first[name], dict) and isinstance(then[name], dict):
            merged[name] = _over(first[name], then[name])
    return merged
