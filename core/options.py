"""The options of a desk: one frozen value. Each turn records the digest of the options it ran with."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError
from pydantic_core import ErrorDetails

from core.arguments import check_arguments
from core.canonical import Json
from core.errors import InvalidInput
from core.values import Value

_ONE_OF = {"Options": "an option", "Limits": "a limit"}


class Settings(Value):
    """Named settings of a desk: a wrong name or value raises InvalidInput, which says what to write instead."""

    if not TYPE_CHECKING:  # type checkers know the fields

        def __init__(self, **values: object) -> None:
            check_arguments(type(self), values.items())  # stricter than pydantic, which takes True for 1
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise InvalidInput("; ".join(_words(type(self), fault) for fault in error.errors())) from None


def _words(settings: type[Settings], fault: ErrorDetails) -> str:
    """What is wrong with a value, or the names that were meant by one that is not a setting."""
    name = str(fault["loc"][0])
    if fault["type"] != "extra_forbidden":
        return f"`{name}`: {fault['msg']}"
    meant = " or ".join(f"`{one}`" for one in get_close_matches(name, settings.model_fields))
    what = settings.__name__
    return f"`{name}` is not {_ONE_OF[what]}: " + (f"write {meant}" if meant else f"help(core.{what}) names them all")


class Options(Settings):
    """How turns run. Times are in seconds; sizes in tokens are estimates.

    `on_disconnect`: whether closing `ask_stream` early, or cancelling a task that awaits `ask`, `regenerate`, `edit` or
    `decide` of a chat, lets the turn finish or stops it. `on_interruption`: if an answer is cut after some of it was
    shown, either the turn ends `interrupted` and keeps the text, or the request is repeated and the text starts again.
    A desk works on `turns_at_once` turns; further ones wait, and are begun in their order. Tools that are not async run
    in `tool_threads` threads; further calls wait, and their `timeout` begins when they do. `model_settings` are sent to
    each model that knows them; a desk refuses a name that its models lack, and a value that does not fit one of them.

    `tool_choice` says whether the first answer of a turn calls a tool: `auto` (the model decides), `required` (it calls
    one), or a tool's name (it calls that one). Once a call is made the model decides again, as otherwise the turn could
    not end. `none` leaves the tools out of every request. `calls_at_once` False asks for one call in an answer at most.
    The offline model heeds `none` alone.

    `turn_deadline` bounds a worker's time on a turn, without the wait for its beginning and the time a person takes to
    decide; `hook_deadline` bounds each hook, and the judging of an answer by its schema; `search_deadline` bounds a
    search of the handbooks. `approval_days` is how long a call may wait for a decision. A model that did not answer
    `breaks_after` times within `breaks_for` gets no request until the oldest of these failures is older than that.

    `forget` names the kinds of entry whose payloads are erased after the turn has ended; statuses and costs stay.
    `tool.finished` includes the other texts about results.

    With a retriever, up to `passages` passages are found before the first model call, and again at each call of the
    tool `search_handbooks`; 0 switches both off. `retrieve_first` False skips the search before the first model call.
    `rewrite_queries`: a question that depends on earlier ones is rewritten before the search, by a model that can.
    """

    on_disconnect: Literal["finish", "stop"] = "finish"
    on_interruption: Literal["keep_partial", "retry"] = "keep_partial"
    turns_at_once: PositiveInt = 64
    tool_threads: PositiveInt = 40
    model_settings: Mapping[str, Json] = Field(default_factory=dict)
    tool_choice: str = "auto"
    calls_at_once: bool = True
    first_content: PositiveFloat = 60
    between_contents: PositiveFloat = 45
    model_call: PositiveFloat = 300
    search_deadline: PositiveFloat = 60
    turn_deadline: PositiveFloat = 900
    hook_deadline: PositiveFloat = 10
    max_steps: PositiveInt = 8
    max_attempts: PositiveInt = 4
    retry_delay: PositiveFloat = 0.5
    breaks_after: PositiveInt = 5
    breaks_for: PositiveFloat = 60
    window_tokens: PositiveInt = 24_000
    window_messages: PositiveInt = 40
    tool_result_tokens: PositiveInt = 4_000
    passages: int = Field(default=6, ge=0, le=50)
    retrieve_first: bool = True
    rewrite_queries: bool = True
    lease: PositiveFloat = 30
    beat: PositiveFloat = 10
    approval_days: PositiveFloat = 7
    forget: tuple[Literal["passages.retrieved", "model.failed", "tool.finished"], ...] = ()
