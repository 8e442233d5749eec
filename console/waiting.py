"""Questions that wait for the end of the turn before them.

They are not on record yet. The session holds them, and `box.js` keeps a copy in the browser for a reload. Each has its
request id from the start: if a second tab or a reloaded one asks it again, it is the same question.
"""

from dataclasses import dataclass

import streamlit as st

MOST = 3
"""Questions that wait in one thread."""


@dataclass(frozen=True, slots=True)
class WaitingQuestion:
    """A question as it was typed."""

    text: str
    request_id: str


class WaitingQuestions:
    """Those of one thread in this session."""

    def __init__(self, thread: str | None) -> None:
        self._thread = thread
        self._threads: dict[str | None, tuple[WaitingQuestion, ...]] = st.session_state.setdefault("chat_waiting", {})

    @property
    def all(self) -> tuple[WaitingQuestion, ...]:
        """In the order in which they were sent."""
        return self._threads.get(self._thread, ())

    def add(self, question: WaitingQuestion) -> bool:
        """False if as many wait as may. The same question again is kept once."""
        if question.request_id not in {one.request_id for one in self.all}:
            if len(self.all) == MOST:
                return False
            self._threads[self._thread] = (*self.all, question)
        return True

    def remove(self, request_id: str) -> None:
        self._threads[self._thread] = tuple(one for one in self.all if one.request_id != request_id)

    def restore(self, copy: object) -> None:
        """Add what the browser has kept, as far as it is questions: a person can change what is in their browser."""
        for one in copy if isinstance(copy, list) else []:
            match one:
                case {"text": str(text), "request_id": str(request_id)}:
                    self.add(WaitingQuestion(text, request_id))
