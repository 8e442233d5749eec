"""The Python code of README and docs, as files that run and can be type-checked.

A block with `asyncio.run(`, or one that ends with `main()`, is a whole program. All other blocks of a page are
fragments: joined, in their order, they are the body of one function, which gets what `PRELUDE` names. A page may need
more than that: it says so in an invisible comment, `<!-- prelude` up to `-->`, whose code stands before the function.
`tools` and `model` there are those of the desk.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from tests.support.paths import ROOT

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PRELUDE = """\
from backends import ScriptedModel, open_handbooks, open_model, open_store  # pyright: ignore[reportUnusedImport]
from core import *
from core.store import Store
"""
SIGNATURE = "async def fragments(store: Store, model: Model, desk: Desk, chat: Chat, asker: Viewer, auditor: Viewer)"

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PRELUDE = re.compile(r"^<!-- prelude\n(.*?)^-->", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Code:
    """One file. `name` is a module's; `fragments` says whether it is a page's fragments or a program."""

    name: str
    page: Path
    text: str
    fragments: bool


def blocks(page: Path) -> list[str]:
    """The page's blocks of Python, in their order."""
    return _BLOCK.findall(page.read_text())


def _of(page: Path) -> Iterator[Code]:
    stem = page.stem.lower().replace("-", "_") + ("_docs" if page.parent.name == "docs" else "")
    fragments = ""
    for number, block in enumerate(blocks(page), 1):
        if "asyncio.run(" in block or block.endswith("\nmain()\n"):
            yield Code(f"{stem}_{number}", page, block, fragments=False)
        else:
            fragments += block
    if fragments:
        more = "".join(_PRELUDE.findall(page.read_text()))
        text = f"{PRELUDE}{more}\n\n{SIGNATURE} -> None:\n{indent(fragments, '    ')}"
        yield Code(f"{stem}_fragments", page, text, fragments=True)


CODE = [code for page in (README, ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *DOCS) for code in _of(page)]
