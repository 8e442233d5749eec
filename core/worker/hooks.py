"""Hooks: what an application may see and change of a turn. They never stand between an outcome and its record.

Several may be given; each is awaited in the order given, within its deadline. One that fails lets nothing through:
a call it was to judge is denied, a result it was to see is withheld from the model, a request is not sent.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import anyio

from core.canonical import Json
from core.errors import RolltopError
from core.gate import Viewer
from core.model import ModelRequest
from core.values import CallStatus, Purpose, StopReason, Usage
from core.worker.history import check_sendable

log = logging.getLogger(__name__)
T = TypeVar("T")

PARTS = ("instructions", "messages", "tools", "settings")
"""What of a request a hook may change."""

WITHHELD = "The result is withheld: a check after the call failed."
MAX_WORDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """A physical request to a model as a hook sees it: by whom, for what, to which model."""

    viewer: Viewer
    thread_id: str
    turn_id: str
    step: int
    attempt: int
    model: str
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutcome:
    """What came of a request, as it is on record: `status` `answered` or `failed`, then with a `code`."""

    call_id: str
    status: Literal["answered", "failed"]
    text: str
    stop_reason: StopReason | None
    code: str | None
    usage: Usage
    cost: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call as a hook sees it: who asked for what, with which validated arguments."""

    viewer: Viewer
    thread_id: str
    turn_id: str
    call_id: str
    tool: str
    effect: Literal["read", "idempotent", "unsafe"]
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """What came of a call, as it is on record; `told` is what the model is to be told of it so far."""

    status: CallStatus
    result: Json
    error: str | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Any of four functions.

    `before_model_call` returns another request, or None for the one it was given; it is asked before each physical
    request of a turn. `after_model_call` sees what came of it, once that is on record. `before_tool_call` returns why
    a call is denied, or None to let it run. `after_tool_call` returns what the model is told in place of the result,
    or None to leave it; the record keeps both.
    """

    before_model_call: Callable[[ModelView, ModelRequest], Awaitable[ModelRequest | None]] | None = None
    after_model_call: Callable[[ModelView, ModelOutcome], Awaitable[None]] | None = None
    before_tool_call: Callable[[CallView], Awaitable[str | None]] | None = None
    after_tool_call: Callable[[CallView, CallOutcome], Awaitable[str | None]] | None = None


class HookFault(RolltopError):
    """A hook failed; the message names it and what it raised, never what it said."""


class Hooked:
    """The hooks of a desk, one after the other. `deadline` is in seconds, for each."""

    def __init__(self, hooks: Sequence[Hooks], deadline: float) -> None:
        self._hooks = tuple(hooks)
        self._deadline = deadline

    @property
    def tells(self) -> bool:
        """Whether a hook is to see each result before the model does."""
        return any(hooks.after_tool_call for hooks in self._hooks)

    async def change(self, view: ModelView, request: ModelRequest) -> ModelRequest:
        """The request as the hooks want it sent. Raises HookFault for one that fails or that cannot be sent."""
        for hooks in self._hooks:
            if hook := hooks.before_model_call:
                changed = await self._ask("before_model_call", hook(view, request))
                request = request if changed is None else _checked(changed, request)
        return request

    async def see(self, view: ModelView, outcome: ModelOutcome) -> list[str]:
        """Show the outcome to each hook; returns what those raised that failed."""
        failures = []
        for hooks in self._hooks:
            if hook := hooks.after_model_call:
                try:
                    await self._ask("after_model_call", hook(view, outcome))
                except HookFault as fault:
                    failures.append(str(fault))
        return failures

    async def deny(self, view: CallView) -> str | None:
        """Why the first hook that objects does not allow the call; None when none does."""
        for hooks in self._hooks:
            if hook := hooks.before_tool_call:
                try:
                    denial = await self._ask("before_tool_call", hook(view))
                except HookFault as fault:
                    return f"The check before it failed ({fault})."
                if denial is not None:
                    return _words(denial)
        return None

    async def tell(self, view: CallView, outcome: CallOutcome) -> tuple[str | None, str | None]:
        """What the model is told instead, None for the result as it is; and what a hook that failed raised."""
        told = None
        for hooks in self._hooks:
            if hook := hooks.after_tool_call:
                now = (
                    outcome
                    if told is None
                    else CallOutcome(status=outcome.status, result=outcome.result, error=outcome.error, told=told)
                )
                try:
                    said = await self._ask("after_tool_call", hook(view, now))
                except HookFault as fault:
                    return WITHHELD, str(fault)
                told = told if said is None else _text(said) or "(empty)"
        return told, None

    async def _ask(self, name: str, answer: Awaitable[T]) -> T:
        try:
            with anyio.fail_after(self._deadline):
                return await answer
        except Exception as fault:  # the boundary of a hook: an application's fault is its own, and goes on record
            log.exception("the hook %s failed", name)
            raise HookFault(type(fault).__name__) from fault


def _checked(changed: ModelRequest, request: ModelRequest) -> ModelRequest:
    if not isinstance(changed, ModelRequest):
        raise HookFault("before_model_call returned no ModelRequest")
    if changed.output != request.output:
        raise HookFault("before_model_call changed the schema of the answer")
    try:
        check_sendable(changed)
    except Exception as fault:  # the boundary of a hook again: what it made of the request is its fault, whatever it is
        raise HookFault(f"before_model_call made a request that cannot be sent: {fault}") from fault
    return changed


def _text(said: object) -> str:
    return str(said).encode(errors="replace").decode()


def _words(said: object) -> str:
    return _text(said)[:MAX_WORDS]
