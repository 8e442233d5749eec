"""The options of a chat: one frozen value, whose digest stands on each turn it ruled."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from core.canonical import Json
from core.values import Value


class Options(Value):
    """How turns run. Times are seconds.

    `on_disconnect`: what closing `ask_stream` early does. `on_interruption`: what becomes of an answer that was cut
    after some of it was shown: the turn ends `interrupted` with what there is, or the model is asked again and the
    text starts anew. `model_settings` go to each model that knows them; a name that none knows is refused. `forget`
    names kinds of entry whose payloads are erased once the turn has ended, `tool.finished` standing for all that was
    said of results; statuses and bills stay. `turn_deadline` is how long a worker may take, waiting for people left
    out; `hook_deadline` is each hook's.

    With a retriever, `passages` are found at most before the first model call, and again at each call of the tool
    `search_handbooks`; 0 leaves both out. `retrieve_first` False leaves it all to the model. `rewrite_queries`: a
    question that needs the ones before it is rewritten by a model before it is searched for, if there is one that can.
    """

    on_disconnect: Literal["finish", "stop"] = "finish"
    on_interruption: Literal["keep_partial", "retry"] = "keep_partial"
    model_settings: Mapping[str, Json] = Field(default_factory=dict)
    first_content: PositiveFloat = 60
    between_contents: PositiveFloat = 45
    model_call: PositiveFloat = 300
    turn_deadline: PositiveFloat = 900
    hook_deadline: PositiveFloat = 10
    max_steps: PositiveInt = 8
    max_attempts: PositiveInt = 4
    retry_delay: PositiveFloat = 0.5
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
