"""rolltop.toml: the file with the settings that need a table, read in one place for all that have one.

Variables of the environment come first. Which of them stand for which field is for the readers of the tables to say.
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


def read_tables(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file's tables, {} without a file. Raises InvalidInput if it cannot be read, and for an unknown table."""
    path = environment.get(FILE, "")
    file = Path(path or "rolltop.toml")
    if not path and not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{FILE} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file.name} is not TOML: {error}") from None
    if unknown := sorted(tables.keys() - set(TABLES)):
        raise InvalidInput(f"{file.name}: unknown {', '.join(unknown)}; the tables are {', '.join(TABLES)}")
    return tables
