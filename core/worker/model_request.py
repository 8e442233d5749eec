"""One physical request to a model: its text shown live, its deadlines watched, its answer read whole and judged.

A stream that ends without its terminal marker was cut, however complete it looks. Deadlines run from content to
content, and a ping is not content.
"""

import json
import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from time import monotonic

import anyio

from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.clock import Clock
from core.errors import InvalidInput, ModelError
from core.live.stream import LiveStream
from core.log.facts import AnswerContent, FailureContent, ModelAnswered, ModelFailed
from core.log.records import OpenModelCall
from core.model import CallDelta, Finish, Model, ModelRequest
from core.options import Options
from core.retrieval.markers import Markers
from core.server_log import log_fault
from core.tools import Tool
from core.turn.commands import Answered, Failed, WrittenCall
from core.values import Usage, Worker
from core.worker.structured_output import MAX_WORDS

# One commit holds the text of a last answer five times (its own, its turn's, and in three records), its reasoning and
# its citations two and three times, or the arguments of calls three times. All of it together fits in MAX_COMMIT.
MAX_ANSWER = 512 * 1024
"""Bytes of canonical JSON that the text of one turn may have, all its answers together."""

MAX_ARGUMENTS = 512 * 1024
"""Bytes of canonical JSON that the arguments of one answer's calls may have together."""

MAX_REASONING = 1024 * 1024
"""Bytes of canonical JSON that one answer's reasoning may have, its text and the provider's blocks together."""

MAX_CALLS = 64
"""Calls that one answer may hold."""

_TEXT = json.JSONEncoder(ensure_ascii=False)
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]")


class RunningRequest:
    """A request under way, for `seconds` at most. `cancel` ends it from outside, with the code its failure is to have.

    An answer that is larger than the limits above fails as `answer_too_large`. `earlier` is the text of the turn's
    answers before this one. If `live` is None, the text is not shown. `passages` is how many passages the text may
    point to, None if it holds no markers. `first`: an empty answer is requested once more. `retry_after` is the
    provider's wish in seconds, None without one.
    """

    def __init__(
        self,
        *,
        turn: str,
        call: OpenModelCall,
        worker: Worker,
        live: LiveStream | None,
        model: Model,
        tools: Mapping[str, Tool],
        options: Options,
        clock: Clock,
        seconds: float,
        passages: int | None,
        earlier: str = "",
        first: bool = True,
    ) -> None:
        self._turn = turn
        self._call = call
        self._worker = worker
        self._live = live
        self._model = model
        self._tools = tools
        self._options = options
        self._clock = clock
        self._seconds = seconds
        self._first_attempt = first
        self._scope = anyio.CancelScope()
        self._cancelled: str | None = None
        self._shown: list[str] = []
        self._thought: list[str] = []
        self._markers = Markers(passages)
        self._calls: list[WrittenCall] = []
        self._left = {
            "text": MAX_ANSWER - _size(earlier),
            "reasoning": MAX_REASONING,
            # Adapters tell of a call's arguments while they are written, and of the whole call at its end. A little too
            # much is read on, because the bill comes last.
            "writing": 3 * MAX_ARGUMENTS,
            "arguments": MAX_ARGUMENTS,
        }
        self._too_large: str | None = None
        self._usage = Usage()
        self._finish: Finish | None = None
        self._began = clock.monotonic()
        self._first: float | None = None
        self.retry_after: float | None = None

    def cancel(self, code: str) -> None:
        """End the request now; what came of it is kept."""
        self._cancelled = self._cancelled or code
        self._scope.cancel()

    async def run(self, request: ModelRequest, *, careful: bool) -> Answered | Failed:
        """The answer, or the failure. `careful`: the request holds what a stranger may have written, so that only reads
        run without approval."""
        if self._cancelled:
            return replace(self._failed(self._cancelled, "the request was ended before it was sent", True), unsent=True)
        try:
            with self._scope:
                await self._read(request, careful)
        except ModelError as error:
            self.retry_after = error.retry_after
            failed = self._failed(error.code, str(error), error.retryable)
            return replace(failed, http_status=error.status, unsent=error.unsent)
        except Exception as error:  # the boundary of a model attempt: an adapter's fault is an attempt's outcome
            log_fault("model", error, turn_id=self._turn)
            return self._failed("protocol", f"the model adapter raised {type(error).__name__}", False)
        if self._cancelled:
            return self._failed(self._cancelled, "the request was ended before the answer was whole", True)
        if self._scope.cancelled_caught:
            what = "no content in time" if self._first is None else "the answer stalled"
            return self._failed("timeout", what, True)
        if self._finish is None:
            return self._failed("protocol", "the answer ended without its terminal marker", True)
        if not self._text() and not self._calls and self._finish.stop_reason in ("end", "tool_calls"):
            return self._failed("empty", "the answer was empty", self._first_attempt)
        if self._too_large:
            return self._failed("answer_too_large", self._too_large, False)
        return self._answered(self._finish)

    async def _read(self, request: ModelRequest, careful: bool) -> None:
        start = anyio.current_time()
        last = start + self._seconds
        self._scope.deadline = min(last, start + self._options.first_content)
        patience = self._options.between_contents
        slack, renew = patience / 100, 0.0
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                if event.kind == "ping":
                    continue
                if event.kind == "usage":
                    self._usage = event.usage
                    continue
                if self._too_large and event.kind != "finish":
                    return  # only an end that comes next is read: it brings the bill
                if self._first is None:
                    self._first = self._clock.monotonic()
                if event.kind in ("text", "reasoning") and self._live and self._live.full:
                    # It waits for the store, which is not the model's fault.
                    self._scope.deadline, renew = last, 0.0
                    await self._live.room()
                match event.kind:
                    case "text":
                        self._say(event.text)
                    case "reasoning":
                        self._think(event.text)
                    case "writing":
                        self._take("writing", _size(event.text))
                    case "call":
                        self._add(event, careful)
                    case "finish":
                        self._show(self._markers.end())
                        self._finish = event
                        self._take("reasoning", len(canonical(list(event.reasoning))))
                        return
                # Put off once in `slack` seconds, and by so much more: done for each token it would cost most of all.
                if (now := monotonic()) >= renew:
                    self._scope.deadline, renew = min(last, anyio.current_time() + patience + slack), now + slack

    def _say(self, text: str) -> None:
        text = text.encode(errors="replace").decode()
        if self._take("text", _size(text)):
            self._show(self._markers.feed(text))

    def _think(self, text: str) -> None:
        text = text.encode(errors="replace").decode()
        if text and self._take("reasoning", _size(text)):
            self._thought.append(text)
            if self._live:
                self._live.reasoning(self._call.call, text)

    def _add(self, call: CallDelta, careful: bool) -> None:
        if len(self._calls) == MAX_CALLS:
            self._too_large = f"the answer holds more than {MAX_CALLS} calls"
        # What is longer than all that fits is not even parsed.
        elif self._take("arguments", 0 if len(call.arguments) <= MAX_ARGUMENTS else len(call.arguments)):
            written = _written(call, self._tools, careful)
            self._calls.append(written)
            self._take("arguments", len(canonical(written.arguments)))

    def _take(self, what: str, size: int) -> bool:
        """Count so many bytes more of `what`; False once any limit is passed."""
        self._left[what] -= size
        if self._left[what] < 0:
            self._too_large = f"the answer's {what} is larger than what is kept of one"
        return self._too_large is None

    def _text(self) -> str:
        return "".join(self._shown)

    def _show(self, text: str) -> None:
        self._shown.append(text)
        if self._live and text:
            self._live.text(self._call.call, text)

    def _failed(self, code: str, message: str, retryable: bool) -> Failed:
        finish = self._finish
        if self._too_large:  # it explains every other failure, and another attempt would end the same
            code, message, retryable = "answer_too_large", self._too_large, False
        text = self._text()
        failed = ModelFailed(
            turn=self._turn,
            fence=self._call.fence,
            call=self._call.call,
            code=code,
            shown=bool(text),
            usage=finish.usage if finish else self._usage,
            cost=finish.cost if finish else None,
            ttft_ms=self._ttft(),
            duration_ms=self._duration(),
            left_out=list(self._markers.left_out),
            content=FailureContent(text=text, message=message, reasoning_text="".join(self._thought)),
        )
        return Failed(worker=self._worker, failed=failed, retryable=retryable)

    def _answered(self, finish: Finish) -> Answered:
        answered = ModelAnswered(
            turn=self._turn,
            fence=self._call.fence,
            call=self._call.call,
            stop_reason=finish.stop_reason,
            usage=finish.usage,
            cost=finish.cost,
            ttft_ms=self._ttft(),
            duration_ms=self._duration(),
            left_out=list(self._markers.left_out),
            content=AnswerContent(
                text=self._text(), reasoning=list(finish.reasoning), reasoning_text="".join(self._thought)
            ),
        )
        return Answered(worker=self._worker, answered=answered, calls=tuple(self._calls))

    def _ttft(self) -> int | None:
        return None if self._first is None else round((self._first - self._began) * 1000)

    def _duration(self) -> int:
        return round((self._clock.monotonic() - self._began) * 1000)


def _written(call: CallDelta, tools: Mapping[str, Tool], careful: bool) -> WrittenCall:
    """A call as it was written, and judged: a call of an unknown tool, or with invalid arguments, has a `fault`."""
    arguments = json_object(call.arguments)
    tool = tools.get(call.tool)
    if tool is None:
        name = _NOT_NAME.sub("_", call.tool)[:64] or "_"
        return WrittenCall(
            tool=name,
            effect=None,
            approval=None,
            arguments=arguments,
            fault="unknown_tool",
            message=f"There is no such tool. The tools are: {', '.join(tools) or 'none'}.",
        )
    approval = tool.approval or ("asker" if careful and tool.effect != "read" else None)
    try:
        valid = tool.validate(arguments)
        canonical(valid)
    except InvalidInput as error:
        return WrittenCall(
            tool=tool.name,
            effect=tool.effect,
            approval=approval,
            arguments=arguments,
            fault="invalid_arguments",
            message=f"The arguments do not fit: {error}"[:MAX_WORDS],
            filters=tool.filters,
            subject=tool.subject,
            outside=tool.output == "outside",
        )
    return WrittenCall(
        tool=tool.name,
        effect=tool.effect,
        approval=approval,
        arguments=valid,
        filters=tool.filters,
        subject=tool.subject,
        outside=tool.output == "outside",
    )


def json_object(raw: str) -> Json:
    """The JSON object that was written. Other text stays as it is, under a name that a schema cannot have."""
    clean = raw.encode(errors="replace").decode()
    try:
        value = json.loads(clean)
        canonical(value, most=MAX_DEPTH - ROOM)
    except (ValueError, RecursionError):
        return {"INVALID_JSON": clean}
    return value if isinstance(value, dict) else {"INVALID_JSON": clean}


def _size(text: str) -> int:
    """The bytes that a text adds to the JSON it stands in."""
    return len(_TEXT.encode(text).encode(errors="replace")) - 2
