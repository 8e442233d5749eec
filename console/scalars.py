"""The value of a field as a person writes it, on a page or on the command line."""

import json
from math import isfinite

from core.canonical import Json


def scalar(text: str) -> Json:
    """`5` as a number, `true` as a bool, anything else as it is; `"5"` in quotes is the text 5."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # `NaN` and `1e999` are numbers to this reader, and not to JSON.
    return value if isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)) else text
