"""The care protocol: whether a message speaks of a person in need.

A desk asks it before it puts a question on record. So the card shows, and the thread is sealed, before any queue, any
search and any model.
"""

from typing import Protocol

from core.gate import Viewer
from core.values import Concern

CARE_SECONDS = 3.0
"""Seconds that a desk waits for an answer."""


class Care(Protocol):
    """Recognises people in need."""

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        """The concern that a message of the viewer raises, with the card for this viewer; None for any other message.

        It must answer within CARE_SECONDS: one that asks a slow service decides without it in time. If it raises or is
        late, the desk takes the question and seals the thread.
        """
