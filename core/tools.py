"""Tools: typed Python functions that a model may call.

A tool declares its effect at registration. The effect alone decides whether a call may be repeated after a crash, and
whether a person must approve it.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    PydanticUserError,
    ValidationError,
    create_model,
)
from pydantic.json_schema import PydanticJsonSchemaWarning
from pydantic_core import ErrorDetails, PydanticSerializationError, to_jsonable_python

from core.arguments import check_arguments
from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput
from core.gate import Viewer
from core.model import ToolSchema
from core.sync_code import run_sync_code
from core.values import Decider, Effect, ToolOutput

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Progress(Protocol):
    """Shows followers the progress of a running call: `done` of `total`, None if unknown."""

    def __call__(self, message: str, done: float | None = None, total: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a tool may know about its call. The desk fills a parameter of this type; the model does not see it.

    `viewer` is the asker, from the session and never from the model. `key` is unique to this call and the same for all
    its attempts: pass it to the system that acts, so that it recognises a repeat. `progress` works in sync and async
    tools.
    """

    viewer: Viewer
    thread_id: str
    turn_id: str
    call_id: str
    key: str
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A registered tool. `timeout` is in seconds; `approval` names the person that must approve a call, or is None.

    `filters` and `subject` name arguments: those by which lists of calls may be filtered, and the one that holds the id
    of the person the call is about. `written` is set if a person completes the arguments before the call runs: it is
    what a model may write of them. `output` says where the results come from.
    """

    name: str
    description: str
    effect: Effect
    timeout: float
    approval: Decider | None
    schema: ToolSchema
    arguments: type[BaseModel]
    context: str | None
    function: Callable[..., Any]
    filters: tuple[str, ...] = ()
    subject: str | None = None
    written: type[BaseModel] | None = None
    output: ToolOutput = "own"

    @property
    def threaded(self) -> bool:
        """Whether the function runs in a thread, because it is not async."""
        return not inspect.iscoroutinefunction(self.function)

    def validate(self, arguments: Json, *, completed: bool = False) -> dict[str, Json]:
        """The arguments as JSON, with defaults: as a model may write them, or `completed` by a person.

        Raises InvalidInput; its message tells the model what does not fit.
        """
        model = self.arguments if completed or self.written is None else self.written
        try:
            return model.model_validate(arguments).model_dump(mode="json")
        except ValidationError as error:
            raise InvalidInput("; ".join(map(fault_words, error.errors()))) from None

    async def run(self, arguments: Mapping[str, Json], context: ToolContext) -> object:
        """Call the function and return its result."""
        values = self.arguments.model_validate(arguments)
        # Values, not the JSON of `validate`: the function gets dates and models as its signature says.
        keywords: dict[str, Any] = {name: getattr(values, name) for name in self.arguments.model_fields}
        if self.context is not None:
            keywords[self.context] = context
        if not self.threaded:
            result = await self.function(**keywords)
        else:
            # The worker has waited for its turn to use a thread, so that here it gets one at once.
            result = await run_sync_code("tool", partial(self.function, **keywords))
        # A sync function may hand out a coroutine that does the work.
        while inspect.isawaitable(result):
            result = await result
        return result


def tool(
    function: None = None,
    /,
    *,
    effect: Effect | None = None,
    timeout: float = 30,
    needs_approval: bool = False,
    approval: Decider = "asker",
    name: str | None = None,
    filters: Sequence[str] = (),
    subject: str | None = None,
    output: ToolOutput = "own",
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a typed function, sync or async: `@tool(effect="read")`. The model reads its docstring.

    To refuse, the function raises ValueError with a sentence for the employee. Any other exception is a fault: the
    record keeps its message, and the model is told only that the call failed.

    `effect` is `read` (only reads), `idempotent` (may be repeated under the same `ToolContext.key`) or `unsafe`
    (attempted at most once, and only after a person approved). `timeout` is in seconds. `approval` names the person
    that approves: `asker`, or `approver`, a person with that role other than the asker. `name` None takes the
    function's name.

    `filters` names the arguments by which auditors may filter calls; their values must be texts, numbers, dates or
    bools. `subject` names the argument that holds the id of the person a call is about, if that may be another person
    than the asker; it cannot be one of `filters`, because to name a person is a look of its own. Filters make the
    arguments searchable, so that they must not be secrets.

    `output` is `own` if results come from the company's own records, and `outside` if strangers may have written them,
    as web pages and mails: they may hold instructions for the model. Once such a tool has begun, every further call of
    the turn that is not `read` waits for a person, and later turns are sent without its results.

    Raises InvalidInput if the description, a type or the name is missing or invalid.
    """
    if function is not None:
        raise InvalidInput('a tool says what it does to the world: write `@tool(effect="read")`, not `@tool`')
    if effect not in ("read", "idempotent", "unsafe"):
        raise InvalidInput('a tool\'s effect is read, idempotent or unsafe: write `@tool(effect="read")`')
    check_arguments(
        tool,
        {
            "timeout": timeout,
            "needs_approval": needs_approval,
            "approval": approval,
            "name": name,
            "filters": filters,
            "subject": subject,
            "output": output,
        }.items(),
    )
    if not timeout > 0:
        raise InvalidInput("a tool's timeout is in seconds and more than 0")

    frame = inspect.currentframe()
    # Types that are local to a function are names there alone, if the annotations are postponed.
    local = dict(frame.f_back.f_locals) if frame and frame.f_back else {}

    def register(function: Callable[..., Any]) -> Tool:
        if not callable(function):
            raise InvalidInput("a tool is made of a function")
        inner = function.func if isinstance(function, partial) else function
        tool_name = name or str(getattr(inner, "__name__", type(inner).__name__))
        if not _NAME.fullmatch(tool_name):
            raise InvalidInput(f"a tool's name is 1 to 64 ASCII letters, digits or _, not {tool_name!r}")
        description = inspect.getdoc(inner)
        if not description:
            raise InvalidInput(f"tool {tool_name} needs a docstring: the model reads it as the description")
        arguments, context = _parameters(function, inner, tool_name, local)
        for argument in (*filters, *([subject] if subject else [])):
            if argument not in arguments.model_fields:
                raise InvalidInput(f"tool {tool_name} has no argument {argument!r}: filters and subject name arguments")
        if subject in filters:
            raise InvalidInput(
                f"tool {tool_name} filters by {subject!r}, which names a person: leave it out of filters"
            )
        parameters = _schema_of(arguments, tool_name)
        return Tool(
            name=tool_name,
            description=description,
            effect=effect,
            timeout=timeout,
            approval=approval if needs_approval or effect == "unsafe" else None,
            schema=ToolSchema(name=tool_name, description=description, parameters=parameters),
            arguments=arguments,
            context=context,
            function=function,
            filters=tuple(filters),
            subject=subject,
            output=output,
        )

    return register


def fault_words(found: ErrorDetails, whole: str = "arguments") -> str:
    """What pydantic found not to fit, with the path to it. A check of the whole names what is wrong itself."""
    path = ".".join(map(str, found["loc"]))
    # The words of a check: pydantic puts "Value error" before them.
    said = str(found["ctx"]["error"]) if found["type"] == "value_error" else found["msg"]
    return said if found["type"] == "value_error" and not path else f"{path or whole}: {said}"


def _parameters(
    function: Callable[..., Any], inner: Callable[..., Any], tool_name: str, local: dict[str, Any]
) -> tuple[type[BaseModel], str | None]:
    try:
        hints = get_type_hints(inner, localns=local, include_extras=True)
    except NameError as error:
        raise InvalidInput(
            f"tool {tool_name}: the type {error.name} is not known where the tool is made: import or define it before"
        ) from None
    fields: dict[str, Any] = {}
    context = None
    held = function.keywords if isinstance(function, partial) else {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in held:
            continue  # a partial's signature still has what it holds, as a default
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidInput(f"tool {tool_name}: {parameter.name} must be an ordinary, named parameter")
        if parameter.name not in hints:
            raise InvalidInput(f"tool {tool_name}: {parameter.name} needs a type, such as `{parameter.name}: str`")
        if hints[parameter.name] is ToolContext:
            context = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    try:
        # A model invents arguments: unknown ones are refused, so that it is told instead of misunderstood.
        return create_model(tool_name, __config__=ConfigDict(extra="forbid"), **fields), context
    except PydanticUserError as error:
        raise InvalidInput(f"tool {tool_name}: {first_line(error)}: a model can only give JSON") from None


def _schema_of(arguments: type[BaseModel], tool_name: str) -> dict[str, Json]:
    """The JSON schema of a tool's arguments. Raises InvalidInput for a type or a default that JSON cannot say."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PydanticJsonSchemaWarning)  # a default that would fail at the first call
            parameters = arguments.model_json_schema()
        canonical(parameters, most=MAX_DEPTH - ROOM)
    except (PydanticUserError, PydanticSerializationError, PydanticJsonSchemaWarning, InvalidInput) as error:
        raise InvalidInput(f"tool {tool_name}: {first_line(error)}: a model can only give JSON") from None
    parameters.pop("title", None)
    return parameters


def first_line(error: Exception) -> str:
    """The first line of pydantic's or jsonschema's words, without the advice that pydantic gives to programmers."""
    return str(error).partition("\n")[0].partition(". Set `arbitrary")[0]


def by_name(tools: Sequence[Tool]) -> dict[str, Tool]:
    """The tools by name, in the given order. Raises InvalidInput if two share a name."""
    named: dict[str, Tool] = {}
    for one in tools:
        if one.name in named:
            raise InvalidInput(f'two tools are called {one.name}: give one of them another name, `@tool(name="...")`')
        named[one.name] = one
    return named


def jsonable(result: object) -> Json:
    """A tool's result as JSON values. Raises InvalidInput if it cannot be written as canonical JSON."""
    try:
        value = to_jsonable_python(result)
    except Exception as error:  # the boundary of a tool's result: what it holds may run code of the tool's
        raise InvalidInput(f"the result cannot be written as JSON: {error}") from error
    canonical(value, most=MAX_DEPTH - ROOM)
    return value
