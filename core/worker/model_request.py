"""One physical request to a model: its text played live, its clocks kept, its answer read whole and judged.

A stream that ends without its terminal marker was cut, whatever it said; silence is measured between contents, and
pings are none.
"""

import json
import re
from collections.abc import Mapping
from contextlib import aclosing

import anyio

from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.clock import Clock
from core.errors import InvalidInput, ModelError
from core.live.stream import LiveStream
from core.model import CallDelta, Finish, Model, ModelRequest
from core.options import Options
from core.retrieval.markers import Markers
from core.tools import Tool
from core.turn.commands import UNKNOWN_USAGE, Answered, Failed, WrittenCall
from core.values import Worker

MAX_ANSWER = 256 * 1024
"""Characters of text one answer may have, so that it, its record and its message fit in one commit."""

MAX_CALLS = 64

_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]")


class Asking:
    """A request under way, for `seconds` at most. `cancel` ends it from outside, with the code its failure is to have.

    `live` None: its text is shown to nobody. `passages` is how many its text may point to, None where it may hold no
    markers.
    `retry_after` is how many seconds the provider asked to wait, None when it did not.
    """

    def __init__(
        self,
        *,
        call: str,
        attempt: int,
        worker: Worker,
        live: LiveStream | None,
        model: Model,
        tools: Mapping[str, Tool],
        options: Options,
        clock: Clock,
        seconds: float,
        passages: int | None,
    ) -> None:
        self._call = call
        self._attempt = attempt
        self._worker = worker
        self._live = live
        self._model = model
        self._tools = tools
        self._options = options
        self._clock = clock
        self._seconds = seconds
        self._scope = anyio.CancelScope()
        self._cancelled: str | None = None
        self._text = ""
        self._markers = Markers(passages)
        self._calls: list[CallDelta] = []
        self._finish: Finish | None = None
        self._began = clock.monotonic()
        self._first: float | None = None
        self.retry_after: float | None = None

    @property
    def text(self) -> str:
        """What came so far."""
        return self._text

    def cancel(self, code: str) -> None:
        """End the request now; what came of it is kept."""
        self._cancelled = self._cancelled or code
        self._scope.cancel()

    async def run(self, request: ModelRequest, *, careful: bool) -> Answered | Failed:
        """The answer, or how there came to be none. `careful`: passages were retrieved, so only reads run unasked."""
        try:
            with self._scope:
                await self._read(request)
        except ModelError as error:
            self.retry_after = error.retry_after
            return self._failed(error.code, str(error), error.retryable)
        except Exception as error:  # the boundary of a model attempt: an adapter's fault is an attempt's outcome
            return self._failed("protocol", f"the model adapter raised {type(error).__name__}", False)
        if self._cancelled:
            return self._failed(self._cancelled, "the request was ended before the answer was whole", True)
        if self._scope.cancelled_caught:
            what = "no content in time" if self._first is None else "the answer stalled"
            return self._failed("timeout", what, True)
        if self._finish is None:
            return self._failed("protocol", "the answer ended without its terminal marker", True)
        if len(self._calls) > MAX_CALLS:
            return self._failed("protocol", f"an answer may hold {MAX_CALLS} calls at most", False)
        if not self._text and not self._calls and self._finish.stop_reason in ("end", "tool_calls"):
            return self._failed("empty", "the answer was empty", self._attempt == 1)
        return self._answered(self._finish, careful)

    async def _read(self, request: ModelRequest) -> None:
        options, start = self._options, anyio.current_time()
        last = start + self._seconds
        self._scope.deadline = min(last, start + options.first_content)
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                if event.kind == "ping":
                    continue
                if self._first is None:
                    self._first = self._clock.monotonic()
                match event.kind:
                    case "text":
                        self._scope.deadline = (
                            last  # what follows may wait for the store, which is not the model's fault
                        )
                        await self._say(event.text)
                    case "call":
                        self._calls.append(event)
                    case "finish":
                        await self._show(self._markers.end())
                        self._finish = event
                        return
                self._scope.deadline = min(last, anyio.current_time() + options.between_contents)

    async def _say(self, text: str) -> None:
        text = text.encode(errors="replace").decode()
        if len(self._text) + len(text) > MAX_ANSWER:
            raise ModelError("protocol", f"an answer may have {MAX_ANSWER} characters at most")
        await self._show(self._markers.feed(text))

    async def _show(self, text: str) -> None:
        self._text += text
        if self._live and text:
            await self._live.text(self._call, text)

    def _failed(self, code: str, message: str, retryable: bool) -> Failed:
        finish = self._finish
        return Failed(
            worker=self._worker,
            call=self._call,
            code=code,
            message=message,
            text=self._text,
            retryable=retryable,
            usage=finish.usage if finish else UNKNOWN_USAGE,
            cost=finish.cost if finish else None,
            ttft_ms=self._ttft(),
            duration_ms=self._duration(),
            left_out=tuple(self._markers.left_out),
        )

    def _answered(self, finish: Finish, careful: bool) -> Answered:
        return Answered(
            worker=self._worker,
            call=self._call,
            text=self._text,
            stop_reason=finish.stop_reason,
            calls=tuple(_written(call, self._tools, careful) for call in self._calls),
            reasoning=finish.reasoning,
            usage=finish.usage,
            cost=finish.cost,
            ttft_ms=self._ttft(),
            duration_ms=self._duration(),
            left_out=tuple(self._markers.left_out),
        )

    def _ttft(self) -> int | None:
        return None if self._first is None else round((self._first - self._began) * 1000)

    def _duration(self) -> int:
        return round((self._clock.monotonic() - self._began) * 1000)


def _written(call: CallDelta, tools: Mapping[str, Tool], careful: bool) -> WrittenCall:
    """A call as it was written, judged: it runs only if the tool exists and its arguments fit."""
    arguments = _object(call.arguments)
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
            message=f"The arguments do not fit: {error}",
        )
    return WrittenCall(tool=tool.name, effect=tool.effect, approval=approval, arguments=valid)


def _object(raw: str) -> Json:
    """The JSON object that was written; what is none is kept as it was, under a name no schema has."""
    clean = raw.encode(errors="replace").decode()
    try:
        value = json.loads(clean)
        canonical(value, most=MAX_DEPTH - ROOM)
    except (ValueError, RecursionError):
        return {"INVALID_JSON": clean}
    return value if isinstance(value, dict) else {"INVALID_JSON": clean}
