"""What a server was found to want otherwise than the provider whose API it speaks: learnt from its own words.

A server that refuses a field is asked again without it, once: what was learnt holds for all later requests of the
process to the same model of the same server, if the server takes such a request. A server that goes on refusing meant
something else.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from core.canonical import Json
from core.errors import ModelError
from core.model import ModelEvent

_STATUSES = frozenset((400, 404, 415, 422, 500, 501))
"""Those of a request whose form is refused. A template that fails is a 500 in some servers."""

_VALUE = re.compile(r"too (large|many|small|high|low)|at (most|least)|less than|greater than|range|between|exceeds?\b")
"""Words for a value that is refused: the field itself is known."""

_CHECKED_FIRST = frozenset(("no_stream", "no_stream_options", "no_store", "no_parallel_tool_calls"))
"""Habits about fields that a server checks before it begins: a 500 that speaks of one is a server in trouble."""

_ECHOES = ("input", "body", "request", "request_body")
"""Parts of an error that repeat what was sent."""

_MANY = 100


@dataclass(frozen=True, slots=True)
class _Habit:
    """What a server may want otherwise: its name, words of a refusal that mean it, and what is done about it."""

    name: str
    words: re.Pattern[str]
    does: str


def _habit(name: str, words: str, does: str) -> _Habit:
    return _Habit(name, re.compile(words, re.IGNORECASE | re.DOTALL), does)


_DEMANDED = r"(missing|must|required?|expect\w*|need\w*|pass(ed)? back|provide\w*)"
_UNWANTED = r"(not (be )?(present|permit|allow|support|accept)|extra|unsupport|unknown|unrecogni|unexpected|forbid)"
_UNTRUE = (
    r"invalid\W{0,3}signature|signature.{0,60}(invalid|mismatch|verif|not valid)"
    r"|encrypted.?content.{0,80}(verif|invalid|decrypt|pars)|item with id .{0,80} not found"
)
"""Of reasoning that another server behind the same gateway gave."""
_HABITS = (
    _habit("no_include", r"\binclude\b|encrypted_content.{0,40}(not|un)\W?support", "include is left out"),
    _habit("no_stream_options", r"stream_options|include_usage", "stream_options is left out"),
    _habit("no_parallel_tool_calls", r"parallel_tool_calls", "parallel_tool_calls is left out"),
    _habit("no_named_choice", r"tool_choice", "a tool that must be called is the only one that is offered"),
    _habit("no_tool_choice", r"tool_choice", "tool_choice is left out"),
    _habit("other_max_tokens", r"max_tokens|max_completion_tokens", "max_tokens has its other name"),
    _habit("no_store", r"\bstore\b", "store is left out"),
    _habit("no_json_schema", r"response_format|json_schema", "the JSON schema stands in the instructions"),
    _habit("no_response_format", r"response_format|json_object", "response_format is left out"),
    _habit(
        "no_reasoning",
        rf"(reasoning|thinking).{{0,120}}{_UNWANTED}|{_UNWANTED}.{{0,120}}(reasoning|thinking)|{_UNTRUE}",
        "reasoning is not sent back",
    ),
    _habit(
        "all_reasoning",
        rf"(reasoning|thinking|thought)\w*.{{0,80}}{_DEMANDED}|{_DEMANDED}.{{0,80}}(reasoning|thinking|thought)",
        "each answer with calls has its reasoning",
    ),
    _habit(
        "short_ids",
        r"tool[ _]?(call|use)s?\W{0,3}(\d+\W{0,3})?_?ids?\b|call_id|\ba-z\b.{0,40}\b9\b",
        "the ids of calls have nine letters and digits",
    ),
    _habit(
        "no_null_content",
        r"content|none_?type|\bnull\b|is not iterable",
        "an answer with calls has an empty text",
    ),
    _habit(
        "no_system",
        r"system (role|message|prompt)|role\W{1,4}system|system\W{1,3}(is )?(not|un)",
        "the instructions stand in the first question",
    ),
    _habit("no_user_after_tool", r"alternat|role.{0,60}after", "an answer stands between a result and a question"),
    _habit(
        "no_stream",
        r"\bstream(ing|ed)?\b(?!_).{0,60}(not|un)\W?support|not support.{0,40}\bstream",
        "nothing is streamed",
    ),
)
_OPPOSITES = {"all_reasoning": frozenset(("no_reasoning",))}


@dataclass(slots=True)
class Dialect:
    """What is known of one model of one server.

    Habits `on_trial` are in no request yet that the server has taken.
    """

    habits: frozenset[str] = frozenset()
    on_trial: frozenset[str] = frozenset()

    def learn(self, status: int, error: Json, written: Callable[[frozenset[str]], Mapping[str, Json]]) -> str | None:
        """What is done about a refusal from now on, None if it has taught nothing new.

        `written` is the request's body as it is written by such habits: what does not change it has not been refused.
        """
        said = " ".join(_texts(error))
        if status not in _STATUSES or not said:
            return None
        now = written(self.habits)
        for habit in _HABITS:
            if habit.name in self.habits or not habit.words.search(said):
                continue
            if status == 500 and habit.name in _CHECKED_FIRST:
                continue
            if habit.name == "other_max_tokens" and _VALUE.search(said):
                continue
            # A server that demands reasoning does not refuse it, whatever its words seemed to say before.
            changed = self.habits - _OPPOSITES.get(habit.name, frozenset()) | {habit.name}
            if written(changed) != now:
                self.habits = changed
                self.on_trial |= {habit.name}
                return habit.does
        return None

    def refused(self, error: ModelError, written: Callable[[frozenset[str]], Mapping[str, Json]]) -> ModelError | None:
        """The error to raise instead, if it is a refusal that says what the server wants otherwise."""
        cause = error.__cause__
        if error.code not in ("invalid_request", "overloaded"):
            return None
        does = self.learn(getattr(cause, "status_code", 400), getattr(cause, "body", None), written)
        if does is None:
            return None
        what = f"{error}; the next request is written otherwise: {does}"
        return ModelError("adapted", what, retryable=True, status=error.status)

    def tried(self, habits: frozenset[str], *, taken: bool) -> None:
        """Keep what was on trial in a request by such habits if the server has taken it; else unlearn it."""
        judged = self.on_trial & habits
        self.on_trial -= judged
        if not taken:
            self.habits -= judged


async def learnt(
    dialect: Dialect,
    answer: AsyncGenerator[ModelEvent, None],
    written: Callable[[frozenset[str]], Mapping[str, Json]],
) -> AsyncGenerator[ModelEvent, None]:
    """The events of an answer to a request that was written by the dialect's habits. Raises ModelError, `adapted` if it
    was refused for what is written otherwise from now on."""
    begun, habits = False, dialect.habits
    try:
        async with aclosing(answer) as events:
            async for event in events:
                if not begun and event.kind != "ping":
                    begun = True
                    dialect.tried(habits, taken=True)
                yield event
    except ModelError as error:
        # A server that has begun to answer has taken the request.
        adapted = None if begun else dialect.refused(error, written)
        if not (begun or adapted) and error.code == "invalid_request":
            dialect.tried(habits, taken=False)
        raise adapted or error from error.__cause__


_KNOWN: dict[tuple[str, str], Dialect] = {}


def dialect_of(server: str, model: str) -> Dialect:
    """What this process knows of a model of a server."""
    return _KNOWN.setdefault((server, model), Dialect())


def _texts(error: Json) -> list[str]:
    """The words and names in an error, wherever they stand, without what it repeats of the request."""
    match error:
        case str():
            return [error]
        case dict():
            return [text for key, value in error.items() if key not in _ECHOES for text in _texts(value)][:_MANY]
        case list():
            return [text for value in error for text in _texts(value)][:_MANY]
        case _:
            return []
