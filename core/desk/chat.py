"""A chat: a desk bound to one viewer and one thread, for an application that wants to ask and be answered."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Literal, Self, TypeVar

import anyio
from pydantic import BaseModel, ValidationError

from core.canonical import Json
from core.desk.desk import Desk
from core.errors import InvalidInput, TurnNotCompleted
from core.gate import Viewer
from core.live.events import Event
from core.log.records import Message, ModelCall, Thread, ToolCall, Totals
from core.model import Model
from core.options import Options
from core.retriever import Retriever
from core.store import Store
from core.tools import Tool
from core.values import Citation, TurnStatus
from core.worker.hooks import Hooks
from core.worker.structured_output import parse
from core.worker.window import Window

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S", bound=BaseModel)

STOP_SECONDS = 5.0
"""How long a stream that was closed early tries to stop its turn; after that the turn finishes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnError:
    """Why a turn did not complete: a word for programs, and perhaps one for people."""

    code: str
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[S]):
    """What became of a question. `text` is what was shown, whatever the status; `waiting` are the calls to decide.

    `parsed` is the answer as the schema that it was asked for in, None where none was or it does not fit.

    `cost` is nano-USD, None as soon as the cost of one model call is not known; `usage` says how many are not.
    """

    turn_id: str
    status: TurnStatus
    text: str
    citations: list[Citation]
    tool_calls: list[ToolCall]
    waiting: list[ToolCall]
    usage: Totals
    cost: int | None
    error: TurnError | None
    parsed: S | None = None

    def raise_for_status(self) -> Self:
        """This reply, if its turn is completed; raises TurnNotCompleted otherwise."""
        if self.status != "completed":
            raise TurnNotCompleted(self.turn_id, self.status, self.error.code if self.error else None)
        return self


class Chat(Generic[M]):
    """One thread, for one viewer. An async context manager; `close` closes its desk if it made it itself."""

    def __init__(self, desk: Desk, viewer: Viewer, thread: Thread, metadata: M | None, *, owned: bool) -> None:
        self.id = thread.id
        self.viewer = viewer
        self.metadata: M | dict[str, Json] = thread.metadata if metadata is None else metadata
        self.desk = desk
        self._owned = owned

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the thread's turn go, if one runs; whoever opens the thread next goes on with it."""
        if self._owned:
            await self.desk.close()

    async def ask(self, text: str, *, request_id: str | None = None, schema: type[S] | None = None) -> Reply[S]:
        """Ask, and wait for the end of the turn or for an approval it needs.

        With `schema` the answer is JSON that fits it, given back as `Reply.parsed`; the JSON itself stays on record.
        Raises only what was not accepted, as `Desk.submit` does; a turn on record is reported, whatever became of it.
        """
        turn = await self.desk.submit(self.viewer, self.id, text, request_id, schema=schema)
        return await self._outcome(turn.id, schema)

    async def ask_stream(self, text: str, *, request_id: str | None = None) -> AsyncGenerator[Event, None]:
        """Ask, and follow. Closing it early lets the turn finish, or stops it, as the option `on_disconnect` says."""
        turn = await self.desk.submit(self.viewer, self.id, text, request_id)
        whole = False
        try:
            async with aclosing(self.follow(turn.id)) as events:
                async for event in events:
                    whole = event.kind in ("ended", "approval.asked")
                    yield event
        finally:
            if not whole and self.desk.options.on_disconnect == "stop":
                with anyio.move_on_after(STOP_SECONDS, shield=True):
                    await self.desk.stop(self.viewer, turn.id)

    async def follow(self, turn_id: str) -> AsyncGenerator[Event, None]:
        """The turn's events from its first one, as `Desk.follow` gives them; leaving stops nothing."""
        async with aclosing(self.desk.follow(self.viewer, turn_id)) as events:
            async for event in events:
                yield event

    async def stop(self, turn_id: str) -> Reply[BaseModel]:
        """End the turn, keeping the text so far."""
        await self.desk.stop(self.viewer, turn_id)
        return await self._reply(turn_id)

    async def decide(
        self,
        call_id: str,
        decision: Literal["approve", "deny"],
        digest: str,
        arguments: Mapping[str, Json] | None = None,
        reason: str | None = None,
    ) -> Reply[BaseModel]:
        """Decide a waiting call, and wait as `ask` does for what comes of it."""
        call = await self.desk.decide(self.viewer, call_id, decision, digest, arguments, reason)
        return await self._outcome(call.turn)

    async def messages(self, last: int = 20, before: int | None = None) -> list[Message]:
        """The newest messages, oldest first; `before` is the `at_n` of one, for those before it."""
        return await self.desk.archive.messages(self.viewer, self.id, last, before)

    async def tool_calls(self) -> list[ToolCall]:
        """Every tool call, in order."""
        return await self.desk.archive.tool_calls(self.viewer, self.id)

    async def model_calls(self) -> list[ModelCall]:
        """Every physical request to a model, failed ones too, in order."""
        return await self.desk.archive.model_calls(self.viewer, self.id)

    async def usage(self) -> Totals:
        """What the thread has used so far."""
        return await self.desk.archive.usage(self.viewer, self.id)

    async def update_metadata(self, metadata: M | Mapping[str, Json]) -> None:
        """Replace the metadata. Typed metadata stays of its type: InvalidInput for any other."""
        if isinstance(self.metadata, BaseModel):
            metadata = _typed(type(self.metadata), metadata)
        thread = await self.desk.update_metadata(self.viewer, self.id, metadata)
        self.metadata = metadata if isinstance(metadata, BaseModel) else thread.metadata

    async def _outcome(self, turn_id: str, schema: type[S] | None = None) -> Reply[S]:
        async with aclosing(self.desk.follow(self.viewer, turn_id)) as events:
            async for _ in events:
                pass
        return await self._reply(turn_id, schema)

    async def _reply(self, turn_id: str, schema: type[S] | None = None) -> Reply[S]:
        view = await self.desk.archive.turn_view(self.viewer, turn_id)
        turn = view.turn
        error = TurnError(code=turn.code, message=turn.message) if turn.code else None
        parsed = None
        if schema and turn.status == "completed":
            parsed, misfit = parse(turn.output, schema)
            error = TurnError(code="invalid_output", message=misfit) if misfit else error
        return Reply(
            turn_id=turn.id,
            status=turn.status,
            text=turn.text,
            citations=turn.citations,
            tool_calls=view.calls,
            waiting=[call for call in view.calls if call.status == "awaiting_approval"],
            usage=turn.totals,
            cost=None if turn.totals.cost_unknown else turn.totals.cost,
            error=error,
            parsed=parsed,
        )


async def create_chat(
    store: Store,
    model: Model | Sequence[Model],
    *,
    user_id: str | None = None,
    viewer: Viewer | None = None,
    title: str | None = None,
    metadata: M | Mapping[str, Json] | None = None,
    instructions: str = "",
    tools: Sequence[Tool] = (),
    retriever: Retriever | None = None,
    history: Window | None = None,
    options: Options | None = None,
    hooks: Sequence[Hooks] = (),
    desk: Desk | None = None,
) -> Chat[M]:
    """A chat on a new thread. `user_id="x"` is short for `viewer=Viewer("x")`, an employee.

    With `desk`, which then has the tools, the chat is bound to that one; without, to one made for this thread alone.
    Raises InvalidInput for metadata that has no JSON.
    """
    viewer = _viewer(user_id, viewer)
    own = desk or Desk(store, model, tools=tools, retriever=retriever, history=history, options=options, hooks=hooks)
    thread = await own.create_thread(viewer, title=title, metadata=metadata, instructions=instructions)
    if desk is None:
        await own.start(thread.id)
    typed = metadata if isinstance(metadata, BaseModel) else None
    return Chat(own, viewer, thread, typed, owned=desk is None)


async def load_chat(
    store: Store,
    model: Model | Sequence[Model],
    chat_id: str,
    *,
    user_id: str | None = None,
    viewer: Viewer | None = None,
    metadata_type: type[M] | None = None,
    tools: Sequence[Tool] = (),
    retriever: Retriever | None = None,
    history: Window | None = None,
    options: Options | None = None,
    hooks: Sequence[Hooks] = (),
    desk: Desk | None = None,
) -> Chat[M]:
    """The chat on a thread of the viewer's; its open turn, if nobody works on it, goes on.

    `metadata_type` gives the metadata back as that model. Raises NotFound for an unknown id and for somebody else's
    alike, and InvalidInput for metadata that is not of the type.
    """
    viewer = _viewer(user_id, viewer)
    own = desk or Desk(store, model, tools=tools, retriever=retriever, history=history, options=options, hooks=hooks)
    thread = await own.archive.thread(viewer, chat_id)
    typed = None if metadata_type is None else _typed(metadata_type, thread.metadata)
    if desk is None:
        await own.start(thread.id)
    return Chat(own, viewer, thread, typed, owned=desk is None)


def _viewer(user_id: str | None, viewer: Viewer | None) -> Viewer:
    if (user_id is None) == (viewer is None):
        raise InvalidInput("say who asks: either user_id or viewer")
    return viewer or Viewer(str(user_id))


def _typed(type: type[M], metadata: M | Mapping[str, Json]) -> M:
    try:
        return type.model_validate(metadata)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidInput(f"the metadata is no {type.__name__}: {faults}") from None
