"""Who may do what, as the documentation tells people."""

import re
from typing import get_args

from core.gate import Role
from tests.support.paths import ROOT

ROLE_WORDS = {role: role.replace("_", " ") for role in get_args(Role)}


def access_table(first: str) -> dict[str, set[str]]:
    """The table of docs/sign-in.md whose first column is called so: by row, the roles that may."""
    written = (ROOT / "docs" / "sign-in.md").read_text()
    head = "\\| " + " \\| ".join([first, *ROLE_WORDS.values()]) + " \\|\n"
    table = re.search(head + r"\|[-|]+\|\n((?:\|.*\|\n)+)", written)
    assert table, f"docs/sign-in.md lacks the table with {head}"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    assert {cell for _, *cells in rows for cell in cells} == {"yes", ""}
    return {
        name: {role for role, cell in zip(ROLE_WORDS.values(), cells, strict=True) if cell} for name, *cells in rows
    }
