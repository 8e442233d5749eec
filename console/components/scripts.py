"""The JavaScript that pages bring along, each in a file of its own beside this one.

It does only what Streamlit cannot: what it keeps or moves in the browser is a convenience, and never on record.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st


@cache
def component(name: str) -> Any:  # Any: what Streamlit returns for a component
    """What mounts `NAME.js`; that file exports one function, as `st.components.v2.component` wants it."""
    script = Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8")
    return st.components.v2.component(f"rolltop.{name}", js=script)
