"""How many tokens a text is to a model, estimated before a request: each model has a tokenizer of its own."""

import re

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English text: a budget of tokens must hold roughly."""

_TWO = re.compile("[\u0080-\u07ff]")
_FOUR = re.compile("[\u0800-\U0010ffff]")


def characters(text: str) -> int:
    """The text's length as if it were English: CHARACTERS_PER_TOKEN of these are about a token.

    A Chinese, Japanese or Korean character is a token, a Greek or Russian letter half of one.
    """
    if text.isascii():
        return len(text)
    return len(text) + len(_TWO.findall(text)) + (CHARACTERS_PER_TOKEN - 1) * len(_FOUR.findall(text))


def beginning(text: str, most: int) -> str:
    """The longest beginning of the text that is at most so many `characters`."""
    if characters(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if characters(text[:middle]) <= most else (low, middle - 1)
    return text[:low]
