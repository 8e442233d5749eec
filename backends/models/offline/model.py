"""A model without a language model: it calls a tool if a question clearly asks for it, and quotes handbooks.

It works without a key, a network or weights, so that a desk answers in the minute after it was cloned. It never phrases
a fact of its own: what it says of policy is quoted, and what it says of records is a tool's result.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

import anyio
from anyio.to_thread import run_sync as blocking
from pydantic import NonNegativeFloat

from backends.glossary import Glossary
from backends.models.offline.choose_tool import Chosen
from backends.models.offline.conversation import Conversation
from backends.models.offline.quotes import quote, quote_on_topic, unmarked
from backends.models.offline.results import render_report
from core.canonical import Json, canonical
from core.errors import InvalidInput, ModelError
from core.model import CallDelta, Finish, ModelEvent, ModelRequest, TextDelta
from core.values import Usage

DELAY = 0.015
_PIECE = re.compile(r"\S+\s*|\s+")


class OfflineModel:
    """Answers in the words of the handbooks and of the tools' results; `delay` seconds pass before each word.

    `glossary` reads German questions, None is the bundled one.

    Small talk gets a reply. A question that clearly asks for what one tool offers becomes a call of it. If an argument
    is missing, it asks for it: by `ask_back`, or if the desk lacks that, in an answer that the next message may
    complete. After tool results it puts them into words, without another call; a report of the desk's is put into
    words, too. Any other question is answered by quotes from its passages, marked `[n]`; if they do not fit it says so.
    It answers in English or German, as it was asked. Usage is unknown, because words are not tokens; the cost is 0.
    """

    name = "offline:"
    settings: Mapping[str, object] = {"delay": NonNegativeFloat}
    phrases = False

    def __init__(self, *, delay: float = DELAY, glossary: Glossary | None = None) -> None:
        self._delay = _seconds(delay)
        self._glossary = glossary or Glossary.bundled()

    @classmethod
    def from_url(cls, url: str) -> "OfflineModel":
        """`offline:` or `offline:?delay=0.02`. Raises InvalidInput for anything else."""
        options = dict(parse_qsl(url.removeprefix("offline:").removeprefix("?"), keep_blank_values=True))
        delay = options.pop("delay", DELAY)
        if options or url.partition("?")[0] != "offline:":
            raise InvalidInput("the offline model is offline: or offline:?delay=SECONDS")
        return cls(delay=_seconds(delay))

    def price(self, usage: Usage) -> int:
        """Its answers cost nothing."""
        return 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        delay = self._pace(request)
        # A long question full of dates takes seconds, in which the other turns of the process would stand still.
        called, text = await blocking(self._answer, request)
        for piece in _PIECE.findall(text):
            await anyio.sleep(delay)
            yield TextDelta(text=piece)
        if called is not None:
            await anyio.sleep(delay)
            yield CallDelta(tool=called.tool, arguments=canonical(called.arguments).decode())
        yield Finish(stop_reason="tool_calls" if called else "end", usage=Usage(), cost=0)

    async def close(self) -> None:
        """The model holds neither a connection nor a file."""

    def _answer(self, request: ModelRequest) -> tuple[Chosen | None, str]:
        """The call of a tool and "", or None and the text of the answer."""
        talk = Conversation(request, self._glossary)
        report = [render_report(talk.question.report, talk.phrases)] if talk.question.report else []
        if told := [*report, *map(talk.told, talk.results)]:
            return None, unmarked("\n\n".join(told))
        if talk.question.topic:
            # Neither a tool nor a judgement: whatever else the message asks for, a person comes first.
            return None, quote_on_topic(talk.question, talk.phrases)
        if talk.small_talk:
            return None, talk.reply(talk.small_talk)
        choice = talk.wish.choice
        match choice.kind:
            case "call":
                return choice, ""
            case "missing" if talk.answer:
                return talk.after_answer(choice, talk.answer)
            case "missing":
                return talk.ask_back(choice)
            case "none":
                # The handbooks were searched already, and the model cannot find better words for another search.
                return None, quote(replace(talk.question, text=talk.wish.english), talk.phrases)

    def _pace(self, request: ModelRequest) -> float:
        if unknown := sorted(set(request.settings) - self.settings.keys()):
            raise ModelError(
                "invalid_request", f"the offline model does not know the setting {', '.join(unknown)}: it knows delay"
            )
        try:
            return _seconds(request.settings.get("delay", self._delay))
        except InvalidInput as error:
            raise ModelError("invalid_request", str(error)) from error


def _seconds(value: Json) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= 60:
        raise InvalidInput("the offline model's delay is in seconds, from 0 to 60")
    return seconds
