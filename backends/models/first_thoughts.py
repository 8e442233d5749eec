"""Which models begin each answer with a thought that lacks its beginning, because their template has the tag."""

import re
from dataclasses import dataclass

from backends.models.answer_text import AnswerText
from core.errors import ModelError

_BY_NAME = re.compile(r"(^|[-/:_.])(r1|qwq|thinking)($|[-/:_.])", re.IGNORECASE)


@dataclass(slots=True)
class FirstThoughts:
    """Whether one model of one server begins so: `by_name`, or learnt from its answers and unlearnt from them."""

    by_name: bool = False
    learnt: bool = False

    @property
    def expected(self) -> bool:
        """Whether the next answer's text is read as one that begins with a thought."""
        return self.by_name or self.learnt

    def check(self, text: AnswerText) -> None:
        """Learn from a text so far. Raises ModelError, `adapted`, if it was told as an answer and was a thought."""
        if text.unopened:
            self.learnt = True
            what = "the text was a thought that lacks its beginning; the next answer is read so"
            raise ModelError("adapted", what, retryable=True)
        if text.unthinking:
            self.learnt = False


_KNOWN: dict[tuple[str, str], FirstThoughts] = {}


def first_thoughts(model: str, server: str | None) -> FirstThoughts:
    """What this process knows of a model of a server; of a `server` that is None nothing is known but the name."""
    new = FirstThoughts(by_name=bool(_BY_NAME.search(model)))
    return new if server is None else _KNOWN.setdefault((server, model), new)
