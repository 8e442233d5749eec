"""rolltop.toml, the file of settings, and Streamlit's own files of secrets, which may hold what it should not.

Variables of the environment come first. Which of them stand for which field is for the readers of the tables to say.
The secrets come last, and count in tables only that may hold one.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from backends.handbooks.documents.sandbox import DocumentLimits
from backends.small_files import read_small
from core.errors import InvalidInput
from core.limits import Limits
from core.options import Options

PREFIX = "ROLLTOP_"
FILE = "ROLLTOP_FILE"
"""The variable with the path of rolltop.toml; without it, the file in the working folder, if there is one."""

VALUES: Mapping[str, type[BaseModel]] = {"desk": Options, "limits": Limits, "documents": DocumentLimits}
"""The tables that are one value each, for `read_value`."""

WITH_SECRETS = ("sign_in", "oidc", "proxy", "models", "plugins")
"""The tables that may also stand in Streamlit's files; their other tables belong to whatever else Streamlit runs."""

TABLES = (*WITH_SECRETS, *VALUES)

SECRETS = Path(".streamlit", "secrets.toml")
"""Where Streamlit has secrets: in the working folder, whose values come first, and in the home folder."""


def read_files(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Each file's name and its tables, those first that come first. Raises InvalidInput if one cannot be read."""
    path = environment.get(FILE, "")
    file = Path(path or "rolltop.toml")
    files = [(file.name, _read(file, FILE))] if path or file.exists() else []
    for secrets in (SECRETS, Path.home() / SECRETS):
        if secrets.exists():
            tables = _read(secrets, str(SECRETS))
            files.append((str(SECRETS), {name: tables[name] for name in WITH_SECRETS if name in tables}))
    return files


def read_tables(environment: Mapping[str, str]) -> dict[str, Any]:
    """The files' tables as one, {} without a file. Raises InvalidInput as `read_files`, and for an unknown table."""
    merged: dict[str, Any] = {}
    for name, tables in read_files(environment):
        if unknown := sorted(key for key, value in tables.items() if isinstance(value, dict) and key not in TABLES):
            raise InvalidInput(f"{name}: unknown {', '.join(unknown)}; the tables are {', '.join(TABLES)}")
        merged = _over(merged, tables)
    return merged


def table_in(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """The table of this dotted name, {} if it is missing; the tables themselves for "". Raises InvalidInput."""
    held: Any = tables
    for part in name.split(".") if name else ():
        held = held.get(part, {})
        if not isinstance(held, dict):
            raise InvalidInput(f"{name} is a table: write its fields below [{name}]")
    return dict(held)


def _read(file: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(read_small(file).decode())
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # a plain ValueError is that of a number with too many digits
        raise InvalidInput(f"{file.name} is not TOML: {error}") from None


def _over(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """The tables of `first`, with what they lack from `then`."""
    merged = {**then, **first}
    for name in first.keys() & then.keys():
        if isinstance(first[name], dict) and isinstance(then[name], dict):
            merged[name] = _over(first[name], then[name])
    return merged
