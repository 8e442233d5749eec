"""Tools: typed Python functions that a model may call.

A tool says at registration what its effect is, because what may be repeated after a crash, and what needs a
person's consent, follows from the effect and from nothing else.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, get_type_hints

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_jsonable_python

from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput
from core.gate import Viewer
from core.model import ToolSchema
from core.values import Decider, Effect

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Progress(Protocol):
    """Tells followers how far a running call is; `done` of `total`, None where it cannot tell."""

    def __call__(self, message: str, done: float | None = None, total: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a tool may know of its call. A parameter of this type is filled in, and is not part of the schema.

    `viewer` is who asked, from the session and never from a model. `key` is the same for every attempt at this call
    and for no other: hand it to the system that acts, so that a repeat is recognised there. `progress` may be called
    from sync and async tools.
    """

    viewer: Viewer
    thread_id: str
    turn_id: str
    call_id: str
    key: str
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A registered tool. `timeout` is in seconds; `approval` says who must agree before it acts, None nobody."""

    name: str
    description: str
    effect: Effect
    timeout: float
    approval: Decider | None
    schema: ToolSchema
    arguments: type[BaseModel]
    context: str | None
    function: Callable[..., Any]

    def validate(self, arguments: Json) -> dict[str, Json]:
        """The arguments as JSON, defaults filled in. Raises InvalidInput, which says to the model what does not fit."""
        try:
            return self.arguments.model_validate(arguments).model_dump(mode="json")
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
            raise InvalidInput("; ".join(faults)) from None

    async def run(self, arguments: Mapping[str, Json], context: ToolContext) -> object:
        """What the function returned. A sync function runs in a thread, which a time-out leaves behind."""
        values = self.arguments.model_validate(arguments)
        given: dict[str, Any] = {name: getattr(values, name) for name in self.arguments.model_fields}
        if self.context is not None:
            given[self.context] = context
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**given)
        return await anyio.to_thread.run_sync(partial(self.function, **given), abandon_on_cancel=True)


def tool(
    *,
    effect: Effect,
    timeout: float = 30,
    needs_approval: bool = False,
    approval: Decider = "asker",
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a typed function, sync or async; its docstring is what the model is told of it.

    `effect` is `read` (changes nothing), `idempotent` (may be repeated under the same key) or `unsafe` (attempted at
    most once, and always with a person's approval). `approval` is who that person is: `asker`, or `approver`, a
    holder of that role other than the asker. Raises InvalidInput for a function that cannot be described.
    """
    if effect not in ("read", "idempotent", "unsafe"):
        raise InvalidInput("a tool's effect is read, idempotent or unsafe")
    if not timeout > 0:
        raise InvalidInput("a tool's timeout is in seconds and more than 0")

    def register(function: Callable[..., Any]) -> Tool:
        called = name or function.__name__
        if not _NAME.fullmatch(called):
            raise InvalidInput(f"a tool's name is 1 to 64 ASCII letters, digits or _, not {called!r}")
        description = inspect.getdoc(function)
        if not description:
            raise InvalidInput(f"tool {called} needs a docstring: it is what the model is told of it")
        arguments, context = _parameters(function, called)
        parameters = arguments.model_json_schema()
        parameters.pop("title", None)
        return Tool(
            name=called,
            description=description,
            effect=effect,
            timeout=timeout,
            approval=approval if needs_approval or effect == "unsafe" else None,
            schema=ToolSchema(name=called, description=description, parameters=parameters),
            arguments=arguments,
            context=context,
            function=function,
        )

    return register


def _parameters(function: Callable[..., Any], called: str) -> tuple[type[BaseModel], str | None]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    context = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidInput(f"tool {called}: {parameter.name} must be an ordinary, named parameter")
        if parameter.name not in hints:
            raise InvalidInput(f"tool {called}: {parameter.name} needs a type")
        if hints[parameter.name] is ToolContext:
            context = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(called, __config__=ConfigDict(extra="forbid"), **fields), context


def by_name(tools: Sequence[Tool]) -> dict[str, Tool]:
    """The tools under their names, in the order given. Raises InvalidInput where two share one."""
    named = {tool.name: tool for tool in tools}
    if len(named) < len(tools):
        raise InvalidInput("two tools share a name")
    return named


def jsonable(result: object) -> Json:
    """A tool's result as canonical JSON allows it; raises InvalidInput where it has no JSON."""
    try:
        value = to_jsonable_python(result)
    except Exception as error:  # the boundary of a tool's result: what it holds may run code of the tool's
        raise InvalidInput(f"the result has no JSON: {error}") from error
    canonical(value, most=MAX_DEPTH - ROOM)
    return value
