"""Hooks: what an application may see and change of a turn. They never stand between an outcome and its record.

Hooks are awaited one after the other, in the order of the list, each within its deadline. If a hook fails, the call it
was to judge is denied, the result it was to see is withheld from the model, and the request it was to see is not sent.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar

import anyio

from core.arguments import check_fields
from core.canonical import Json
from core.errors import InvalidInput, RolltopError
from core.gate import Viewer
from core.model import ModelRequest
from core.server_log import log_fault
from core.values import CallStatus, Purpose, StopReason, Usage
from core.worker.history import check_sendable

T = TypeVar("T")

PARTS = ("instructions", "messages", "tools", "settings", "tool_choice", "calls_at_once")
"""What of a request a hook may change."""

WITHHELD = "The result is withheld: a check after the call failed."
MAX_WORDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """A physical request to a model as a hook sees it."""

    viewer: Viewer
    thread_id: str
    turn_id: str
    step: int
    attempt: int
    model: str
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutcome:
    """The outcome of a request, as it is on record. `code` is set if it failed."""

    call_id: str
    status: Literal["answered", "failed"]
    text: str
    stop_reason: StopReason | None
    code: str | None
    usage: Usage
    cost: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A tool call as a hook sees it. `viewer` is the asker, and the arguments are validated."""

    viewer: Viewer
    thread_id: str
    turn_id: str
    call_id: str
    tool: str
    effect: Literal["read", "idempotent", "unsafe"]
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """The outcome of a call, as it is on record. `told` is what the model is to be told, as earlier hooks left it."""

    status: CallStatus
    result: Json
    error: str | None
    told: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a hook returns to end the turn. `reason` is a sentence for the employee, of 1 to 1000 characters.

    Raises InvalidInput without a reason.
    """

    reason: str

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise InvalidInput('a refusal needs a reason: write `Refusal("Payroll is closed until Monday.")`')


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Any of four functions.

    `before_model_call` runs before each physical request of a turn and returns another request, or None to leave it.
    `after_model_call` sees the outcome once it is on record. `before_tool_call` returns why a call is denied, or None
    to let it run; the model is told the text, it is the call's `error` on record, and the turn goes on.
    `after_tool_call` returns what the model is told in place of the result, or None to leave it; the record keeps both.

    If `before_model_call` or `before_tool_call` returns a Refusal, the turn ends: the request is not sent, or the call
    is denied. The turn's status is `refused`, its code is refused_by_hook, and its message, which is
    `Reply.error.message`, is the reason. What was shown before stays.
    """

    before_model_call: Callable[[ModelView, ModelRequest], Awaitable[ModelRequest | Refusal | None]] | None = None
    after_model_call: Callable[[ModelView, ModelOutcome], Awaitable[None]] | None = None
    before_tool_call: Callable[[CallView], Awaitable[str | Refusal | None]] | None = None
    after_tool_call: Callable[[CallView, CallOutcome], Awaitable[str | None]] | None = None

    def __post_init__(self) -> None:
        check_fields(self)


class HookFault(RolltopError):
    """A hook failed. The message names the type it raised, never its words, which may be an employee's."""


class RefusedByHook(RolltopError):
    """A hook has refused to go on with the turn. The message is its reason."""


class Hooked:
    """The hooks of a desk, one after the other. Each has `deadline` seconds."""

    def __init__(self, hooks: Sequence[Hooks], deadline: float) -> None:
        self._hooks = tuple(hooks)
        self._deadline = deadline

    @property
    def tells(self) -> bool:
        """Whether a hook is to see each result before the model does."""
        return any(hooks.after_tool_call for hooks in self._hooks)

    async def change(self, view: ModelView, request: ModelRequest) -> ModelRequest:
        """The request as the hooks want it sent.

        Raises HookFault if a hook fails, or its request cannot be sent, and RefusedByHook.
        """
        for hooks in self._hooks:
            if hook := hooks.before_model_call:
                changed = await self._call("before_model_call", partial(hook, view, request))
                if isinstance(changed, Refusal):
                    raise RefusedByHook(_words(changed.reason))
                request = request if changed is None else _checked(changed, request)
        return request

    async def see(self, view: ModelView, outcome: ModelOutcome) -> list[str]:
        """Show the outcome to each hook. Returns the failures."""
        failures = []
        for hooks in self._hooks:
            if hook := hooks.after_model_call:
                try:
                    await self._call("after_model_call", partial(hook, view, outcome))
                except HookFault as fault:
                    failures.append(str(fault))
        return failures

    async def deny(self, view: CallView) -> str | RefusedByHook | None:
        """The first hook's reason to deny the call, or to end the turn; None if all allow it."""
        for hooks in self._hooks:
            if hook := hooks.before_tool_call:
                try:
                    denial = await self._call("before_tool_call", partial(hook, view))
                except HookFault as fault:
                    return f"The check before it failed ({fault})."
                if denial is not None:
                    return RefusedByHook(_words(denial.reason)) if isinstance(denial, Refusal) else _words(denial)
        return None

    async def tell(self, view: CallView, outcome: CallOutcome) -> tuple[str | None, str | None]:
        """What the model is told in place of the result, None to leave it; and how a hook failed, or None."""
        replacement = None
        for hooks in self._hooks:
            if hook := hooks.after_tool_call:
                now = outcome if replacement is None else replace(outcome, told=replacement)
                try:
                    text = await self._call("after_tool_call", partial(hook, view, now))
                except HookFault as fault:
                    return WITHHELD, str(fault)
                replacement = replacement if text is None else _text(text) or "(empty)"
        return replacement, None

    async def _call(self, name: str, hook: Callable[[], Awaitable[T]]) -> T:
        try:
            with anyio.fail_after(self._deadline):
                # The call itself raises if the function takes other arguments than a hook gets.
                answer = hook()
                given: object = answer
                if isinstance(given, Awaitable):
                    return await answer
        except Exception as fault:  # the boundary of a hook: an application's fault is its own, and goes on record
            log_fault(name, fault)
            raise HookFault(type(fault).__name__) from fault
        raise HookFault(f"{name} is not an async function: write `async def`")


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


def _text(value: object) -> str:
    return str(value).encode(errors="replace").decode()


def _words(value: object) -> str:
    return _text(value)[:MAX_WORDS]
