"""A chat: one thread for one viewer. It is the short way to ask questions; a `Desk` serves many viewers and threads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from copy import deepcopy
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeAlias, cast, overload

import anyio
from pydantic import BaseModel
from typing_extensions import TypeVar

from core.arguments import checked_methods
from core.canonical import Json
from core.desk.lists import Listing
from core.desk.notes import as_typed
from core.desk.own_threads import FoundThread
from core.desk.reply import Reply, S, as_reply
from core.desk.transcripts import AnthropicThread, anthropic_messages, json_records, markdown, openai_messages
from core.errors import InvalidInput, NotReplaceable
from core.gate import Viewer
from core.live.events import EndedEvent, Event
from core.log.records import DeferredCall, Message, ModelCall, Thread, ToolCall, Totals, Turn
from core.store import Scalar
from core.values import Dislike, Shelf

if TYPE_CHECKING:  # a Desk makes chats
    from core.desk.desk import Desk

M = TypeVar("M", bound=BaseModel | Mapping[str, Json], default=dict[str, Json])
"""The metadata of a chat: a pydantic model, or a dict."""

ChatFormat: TypeAlias = Literal["openai", "anthropic", "markdown", "json"]

STOP_SECONDS = 5.0
"""Seconds that a stream closed early spends on stopping its turn; after that the turn runs on to its end."""


@checked_methods
class Chat(Generic[M]):
    """One thread, for one viewer: see `create_chat` and `load_chat`, also of a Desk.

    `desk` owns the turns; `desk.archive` reads what is on record. `owns_desk`: closing the chat closes it, too.
    `metadata` is the thread's as the chat has last read or written it: as the pydantic model that the chat was created
    or loaded with, otherwise as a dict.
    """

    def __init__(self, desk: Desk, viewer: Viewer, thread: Thread, metadata: M) -> None:
        self.id = thread.id
        self.viewer = viewer
        self.metadata = metadata
        self.desk = desk
        self.owns_desk = False
        # A copy, because the application may change what it was given.
        self._read = deepcopy(thread.metadata)

    def __repr__(self) -> str:
        return f"Chat({self.id!r}, viewer={self.viewer.id!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the desk if this chat made it, as `Desk.close` does. Otherwise the turn goes on."""
        if self.owns_desk:
            await self.desk.close()

    async def ask(
        self,
        text: str,
        *,
        request_id: str | None = None,
        schema: type[S] | None = None,
        replaces: str | None = None,
    ) -> Reply[S]:
        """Ask, and wait until the turn ends or needs an approval. `replaces` is as in `Desk.submit`.

        With `schema` the answer is JSON that fits it, as `Desk.submit` says, and is returned as `Reply.parsed`; the
        JSON itself is on record. The same `request_id` again returns the same turn.

        Raises the errors of `Desk.submit` if the question was not accepted. A turn on record does not raise: its status
        is in the reply. If the store goes away while the caller waits, Unavailable is raised and the turn goes on. If
        the caller is cancelled, the turn finishes or is stopped, as the option `on_disconnect` says.
        """
        turn = await self.desk.submit(self.viewer, self.id, text, request_id, schema=schema, replaces=replaces)
        return await self._outcome(turn.id, schema)

    async def regenerate(self, turn_id: str | None = None, *, request_id: str | None = None) -> Reply:
        """Ask the question of a turn again in its place, None for the newest turn that is shown.

        Raises NotReplaceable, also if its question was erased, and what `ask` raises.
        """
        replaced = turn_id or await self._newest("give again")
        turn = await self.desk.archive.turn(self.viewer, replaced)
        if turn.question is None:
            raise NotReplaceable("its question has been erased: ask below instead")
        if turn_id is None and turn.request_id == request_id and turn.replaces:
            replaced = turn.replaces  # a repeated request: the newest turn is its own
        return await self.ask(turn.question, request_id=request_id, replaces=replaced)

    async def edit(self, turn_id: str, text: str, *, request_id: str | None = None) -> Reply:
        """Ask another question in the place of a turn. The turn, and what followed it, stay on record."""
        return await self.ask(text, request_id=request_id, replaces=turn_id)

    async def show(self, turn_id: str) -> None:
        """Go back to another version of a question and its answer, as `Desk.show` does."""
        await self.desk.show(self.viewer, turn_id)

    async def ask_stream(
        self, text: str, *, request_id: str | None = None, replaces: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """Ask, and give the turn's events, as `Desk.follow` does. `replaces` is as in `Desk.submit`.

        If the generator is closed early, the turn finishes or is stopped, as the option `on_disconnect` says.
        """
        turn = await self.desk.submit(self.viewer, self.id, text, request_id, replaces=replaces)
        complete = False
        try:
            async with aclosing(self.follow(turn.id)) as events:
                async for event in events:
                    complete = event.kind in ("ended", "approval.asked")
                    yield event
        finally:
            if not complete:
                await self._leave(turn.id)

    def follow(self, turn_id: str) -> AsyncGenerator[Event, None]:
        """The turn's events from the first one, as `Desk.follow` gives them. The turn goes on if the caller leaves."""
        return self.desk.follow(self.viewer, turn_id)

    async def stop(self, turn_id: str | None = None) -> Reply:
        """End the turn and keep the text so far; an ended turn stays as it is. None is the newest turn that is shown.

        Raises InvalidInput if nothing was asked yet.
        """
        stopped = turn_id or await self._newest("stop")
        await self.desk.stop(self.viewer, stopped)
        return await self._reply(stopped)

    async def decide(
        self,
        call_id: str,
        decision: Literal["approve", "deny"],
        digest: str,
        *,
        arguments: Mapping[str, Json] | None = None,
        reason: str | None = None,
        schema: type[S] | None = None,
    ) -> Reply[S]:
        """Decide a waiting call as `Desk.decide` does, then wait until the turn ends or needs an approval.

        This form is for a client that sends back the id and the digest that it was shown. `schema` is the one that the
        question was asked with.
        """
        call = await self.desk.decide(self.viewer, call_id, decision, digest, arguments=arguments, reason=reason)
        return await self._outcome(call.turn, schema)

    async def approve(
        self,
        call: ToolCall,
        *,
        arguments: Mapping[str, Json] | None = None,
        reason: str | None = None,
        schema: type[S] | None = None,
    ) -> Reply[S]:
        """Let a waiting call run: `decide` for the call as the person was shown it, such as one of `Reply.waiting`.

        `arguments` replace those of the call, None keeps them.
        """
        return await self.decide(call.id, "approve", call.digest, arguments=arguments, reason=reason, schema=schema)

    async def deny(self, call: ToolCall, *, reason: str | None = None, schema: type[S] | None = None) -> Reply[S]:
        """Refuse a waiting call: `decide` for the call as the person was shown it. The model is told the reason."""
        return await self.decide(call.id, "deny", call.digest, reason=reason, schema=schema)

    async def pending(self) -> list[ToolCall]:
        """The calls of this chat that wait for a decision, in order; [] if none does.

        `call.approval` says whose: the asker approves or denies, an approver decides on the deferred ones.
        """
        return await self.desk.archive.pending_calls(self.viewer, self.id)

    async def withdraw(self, call_id: str) -> DeferredCall:
        """Take back a call that waits for an approver, as `Desk.withdraw` does."""
        return await self.desk.withdraw(self.viewer, call_id)

    async def messages(self, last: int = 20, before: int | None = None) -> list[Message]:
        """The `last` messages (1 to 500), oldest first. `before` is a message's `at_n`, for the ones before it."""
        return await self.desk.archive.messages(self.viewer, self.id, last, before)

    async def tool_calls(self) -> list[ToolCall]:
        """All tool calls of the thread, in order."""
        return await self.desk.archive.tool_calls(self.viewer, self.id)

    async def model_calls(self) -> list[ModelCall]:
        """All physical requests to models, failed ones too, in order."""
        return await self.desk.archive.model_calls(self.viewer, self.id)

    async def usage(self) -> Totals:
        """The tokens, calls and costs of the thread so far."""
        return await self.desk.archive.usage(self.viewer, self.id)

    @overload
    async def export(self, form: Literal["openai", "json"]) -> list[dict[str, Json]]: ...

    @overload
    async def export(self, form: Literal["anthropic"]) -> AnthropicThread: ...

    @overload
    async def export(self, form: Literal["markdown"]) -> str: ...

    async def export(self, form: ChatFormat) -> list[dict[str, Json]] | AnthropicThread | str:
        """The conversation as it is shown, with what was imported, and without replaced versions.

        - `openai`: messages for `chat.completions.create(messages=...)`; `create_chat(history=...)` takes them back.
        - `anthropic`: the arguments `messages` and, if the thread has instructions of its own, `system` of
          `messages.create`.
        - `markdown`: a text for people, with sources and what tools did.
        - `json`: the records of the thread, its turns and their steps; `kind` says what each one is.

        Text that was erased or cut off is marked as such, an open turn as not ended. Sources are in the last two.
        Raises NotFound if the thread is not the viewer's own, and InvalidInput for another format.
        """
        thread = await self.desk.exports.conversation(self.viewer, self.id)
        match form:
            case "openai":
                return openai_messages(thread)
            case "anthropic":
                return anthropic_messages(thread)
            case "markdown":
                return markdown(thread)
            case "json":
                return json_records(thread)

    async def fork(self, at: str | None = None) -> Chat[M]:
        """A chat on a new thread that begins as this one does up to the turn `at`, None for all turns that are shown.

        As `Desk.fork`; its turns are those of the same desk. Erasing this thread does not erase the fork.
        """
        thread = await self.desk.fork(self.viewer, self.id, at)
        metadata_type = cast(type[M] | None, self._metadata_type())
        return await self.desk.load_chat(self.viewer, thread.id, metadata_type=metadata_type)

    async def update_metadata(self, changes: M | Mapping[str, Json], *, replace: bool = False) -> None:
        """Set these fields of the metadata and keep the others, or with `replace` let them be the whole.

        None is a value like any other. What another chat has written to other fields is kept, and `metadata` has it
        afterwards. Raises MetadataConflict, and writes nothing, if another chat has changed one of these fields since
        this chat read it: call `reload`, then decide anew. Raises InvalidInput if the chat's metadata is typed and the
        whole would not fit it.
        """
        thread = await self.desk.update_metadata(
            self.viewer,
            self.id,
            cast(Mapping[str, Json] | BaseModel, changes),
            replace=replace,
            based_on=self._read,
            metadata_type=self._metadata_type(),
        )
        self._take(thread)

    async def reload(self) -> Thread:
        """The thread as it is now: its title, status and so on. `metadata` is then what other chats have written.

        Raises NotFound, and InvalidInput if the metadata does not fit the chat's type any more.
        """
        thread = await self.desk.archive.thread(self.viewer, self.id)
        self._take(thread)
        return thread

    async def change_instructions(self, instructions: str) -> Thread:
        """Tell the model something else from the next question on, as `Desk.change_instructions` does."""
        return await self.desk.change_instructions(self.viewer, self.id, instructions)

    async def rename(self, title: str) -> Thread:
        """Give the thread another title, of 1 to 200 characters. Raises InvalidInput."""
        return await self.desk.rename(self.viewer, self.id, title)

    async def give_feedback(
        self, turn_id: str, rating: Literal["up", "down"] | None, comment: str = "", *, dislike: Dislike | None = None
    ) -> None:
        """Rate an answer, as `Desk.give_feedback` does; None takes the rating back."""
        await self.desk.give_feedback(self.viewer, turn_id, rating, comment, dislike=dislike)

    async def ask_erasure(self) -> Thread:
        """Ask to erase what is written in the thread, as `Desk.ask_erasure` does; `erase_due` says when it will be."""
        return await self.desk.ask_erasure(self.viewer, self.id)

    async def withdraw_erasure(self) -> Thread:
        """Take the request for erasure back, as `Desk.withdraw_erasure` does."""
        return await self.desk.withdraw_erasure(self.viewer, self.id)

    async def threads(
        self,
        shelf: Shelf | None = None,
        metadata: Mapping[str, Scalar] | None = None,
        limit: int = 30,
        cursor: str | None = None,
    ) -> Listing[Thread]:
        """All threads of this chat's viewer, newest activity first. The parameters are as in `Archive.threads`."""
        return await self.desk.archive.threads(self.viewer, shelf, metadata, limit, cursor)

    async def search_threads(self, words: str, limit: int = 30, cursor: str | None = None) -> Listing[FoundThread]:
        """The threads of this chat's viewer in which all the words occur, as `Archive.search_threads` finds them."""
        return await self.desk.archive.search_threads(self.viewer, words, limit, cursor)

    def _metadata_type(self) -> type[BaseModel] | None:
        return type(self.metadata) if isinstance(self.metadata, BaseModel) else None

    def _take(self, thread: Thread) -> None:
        typed, fields = self._metadata_type(), deepcopy(thread.metadata)
        self.metadata = cast(M, as_typed(typed, fields) if typed else fields)
        self._read = thread.metadata

    async def _newest(self, purpose: str) -> str:
        last = (await self.desk.archive.thread(self.viewer, self.id)).last
        if last is None:
            raise InvalidInput(f"nothing was asked yet: there is no answer to {purpose}")
        return last

    async def _outcome(self, turn_id: str, schema: type[S] | None = None) -> Reply[S]:
        try:
            async with aclosing(self.follow(turn_id)) as events:
                async for event in events:
                    if isinstance(event, EndedEvent):
                        return await self._as_reply(event.turn, event.calls, schema)
            return await self._reply(turn_id, schema)
        except anyio.get_cancelled_exc_class():
            await self._leave(turn_id)
            raise

    async def _leave(self, turn_id: str) -> None:
        """Stop a turn whose caller leaves before its end, if the option `on_disconnect` says so."""
        if self.desk.options.on_disconnect == "stop":
            # Shielded: a cancelled caller is the usual reason for leaving early, and would cancel the stop too.
            with anyio.move_on_after(STOP_SECONDS, shield=True):
                await self.desk.stop(self.viewer, turn_id)

    async def _reply(self, turn_id: str, schema: type[S] | None = None) -> Reply[S]:
        view = await self.desk.archive.turn_view(self.viewer, turn_id)
        return await self._as_reply(view.turn, view.calls, schema)

    async def _as_reply(self, turn: Turn, calls: Sequence[ToolCall], schema: type[S] | None) -> Reply[S]:
        return await as_reply(turn, calls, schema, self.desk.options.hook_deadline)
