"""Structured output: the schema that an answer has to fit, and whether it does.

The JSON schema is on record and judges in every process. The type's own validators judge besides, in the process that
was given the type. jsonschema is imported by the functions that need it, because its import costs more than that of the
rest of core.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar, cast

import anyio
from pydantic import BaseModel, PydanticUndefinedAnnotation, PydanticUserError, RootModel, ValidationError, create_model
from pydantic_core import SchemaError, SchemaValidator, core_schema

from core.canonical import MAX_DEPTH, ROOM, Json, canonical
from core.errors import InvalidInput, RolltopError
from core.sync_code import run_sync_code
from core.tools import fault_words, first_line

S = TypeVar("S")

MAX_WORDS = 1000
MAX_FAULTS = 20
"""The most faults of an answer that the model is told of."""

MAX_VALUE_WORDS = 100
"""Characters of a value that the words of a fault may repeat."""

MAX_OBJECTS = 20
"""The most JSON objects in the text of one answer that are judged."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}]', re.DOTALL)


class Misfit(RolltopError):
    """An answer does not fit its schema. The message says why, as the model is told."""


class SchemaFailed(RolltopError):
    """The schema's own code failed, so that an answer was not judged. The message names the code's error."""


class AnswerSchema(Generic[S]):
    """The type that an answer has to be: a pydantic model, or another type that pydantic reads, such as `list[Leave]`.

    Providers ask for a JSON object. If the type is another one, the answer is an object whose `value` has the type.
    Raises InvalidInput if pydantic cannot read the type.
    """

    def __init__(self, given: type[S]) -> None:
        self.name = str(getattr(given, "__name__", given))
        self._wraps = not (isinstance(given, type) and issubclass(given, BaseModel)) or issubclass(given, RootModel)
        try:
            wrapper = create_model("Answer", value=cast(Any, (given, ...))) if self._wraps else given
        except (PydanticUserError, PydanticUndefinedAnnotation, TypeError, ValueError) as error:
            raise InvalidInput(f"the schema is not a type that pydantic reads: {first_line(error)}") from error
        self._model = cast(type[BaseModel], wrapper)

    def json(self) -> dict[str, Json]:
        """The JSON schema. Raises InvalidInput if a field has none, or if None alone would be an answer."""
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError as NoSchema

        try:
            schema = self._model.model_json_schema()
            Draft202012Validator.check_schema(schema)
            canonical(schema, most=MAX_DEPTH - ROOM)
        except (ValueError, TypeError, AttributeError, PydanticUserError, NoSchema) as error:
            raise InvalidInput(f"{self.name} has no JSON schema: {first_line(error)}") from error
        if self._wraps and Draft202012Validator(schema).is_valid({"value": None}):
            raise InvalidInput(f"{self.name} may be None, like a missing answer: put it in a field of a pydantic model")
        return schema

    def parse(self, output: Json) -> S:
        """The answer's JSON as the type. Raises Misfit, and SchemaFailed if a validator raises anything else."""
        try:
            value = self._read(output)
        except Misfit:
            raise
        except BaseException as error:  # the boundary of a schema's own code: sys.exit in it must not end the program
            raise SchemaFailed(f"a validator of {self.name} raised {type(error).__name__}") from error
        if value is None:
            raise SchemaFailed(f"the validators of {self.name} made None of an answer")
        return value

    def _read(self, output: Json) -> S:
        try:
            # As JSON, in which a strict model takes a text for a date.
            read = self._model.model_validate_json(json.dumps(output))
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            raise Misfit(_together(fault_words(one, "the whole") for one in faults)) from None
        return cast(S, read.__dict__["value"] if self._wraps else read)


async def within(seconds: float, judge: Callable[[], S]) -> S:
    """What `judge` returns, called in a thread. Raises SchemaFailed after `seconds`; the thread is then left alone."""
    try:
        with anyio.fail_after(seconds):
            # Off the event loop: an answer of half a megabyte takes seconds to check, and validators may do anything.
            return await run_sync_code("schema", judge)
    except TimeoutError:
        raise SchemaFailed(f"the answer was not judged within {seconds:g} s: a validator hangs or is slow") from None


def read_output(text: str, schema: Mapping[str, Json], given: AnswerSchema[Any] | None = None) -> Json:
    """The JSON in an answer that fits: the whole text, or the largest object among other words or in a fence.

    `given` is the type that the schema is of, None in a process that does not have it. Raises Misfit, which says what
    is wrong with the largest, and SchemaFailed.
    """
    misfit: Misfit | None = None
    for value in _values(text):
        try:
            _check(value, schema)
            if given:
                given.parse(value)
        except Misfit as fault:
            misfit = misfit or fault
        else:
            return value
    raise misfit or Misfit("It is not JSON.")


def _values(text: str) -> Iterator[Json]:
    """The whole text as JSON; or else the JSON objects in it, without those within others, largest first."""
    try:
        yield json.loads(text)
        return
    except (ValueError, RecursionError) as error:
        objects = sorted(_objects(text), key=len, reverse=True)[:MAX_OBJECTS]
        if not objects:
            raise Misfit(f"It is not JSON: {error}"[:MAX_WORDS]) from None
    for written in objects:
        try:
            yield json.loads(written)
        except (ValueError, RecursionError) as error:
            raise Misfit(f"It is not JSON: {error}"[:MAX_WORDS]) from None


def _objects(text: str) -> Iterator[str]:
    """The parts of the text from a `{` to the `}` that closes it."""
    start = text.find("{")
    while start >= 0:
        depth, end = 0, -1
        for token in _TOKEN.finditer(text, start):
            depth += {"{": 1, "}": -1}.get(token[0], 0)
            if not depth:
                end = token.end()
                break
        if end < 0:
            return  # what is inside an object that never ends is a part of an answer, and not one
        yield text[start:end]
        start = text.find("{", end)


def _check(value: Json, schema: Mapping[str, Json]) -> None:
    """Raises Misfit."""
    try:
        canonical(value, most=MAX_DEPTH - ROOM)
    except (ValueError, RecursionError) as error:
        raise Misfit(f"It is not JSON: {error}"[:MAX_WORDS]) from None
    if faults := _together(map(_words, _validator()(dict(schema)).iter_errors(value))):
        raise Misfit(faults)


@cache
def _validator() -> Any:  # Any: jsonschema has no types
    """jsonschema's validator, whose patterns are searched as pydantic searches them.

    Python's own search of thirty characters may take minutes, and the whole process stands still for as long.
    """
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(validator: Any, wanted: str, text: Json, schema: Json) -> Iterator[Any]:
        if isinstance(text, str) and not _is_found(wanted, text):
            yield ValidationError(f"{text!r} does not match {wanted!r}")

    def properties(validator: Any, wanted: Mapping[str, Json], value: Json, schema: Json) -> Iterator[Any]:
        if isinstance(value, dict):
            for name, inner in ((name, wanted[one]) for one in wanted for name in value if _is_found(one, name)):
                yield from validator.descend(value[name], inner, path=name)

    own = {"pattern": pattern, "patternProperties": properties}
    return extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]  # jsonschema has no types


def _is_found(pattern: str, text: str) -> bool:
    try:
        return _search(pattern).isinstance_python(text)
    except SchemaError:  # a pattern that looks around: its type has told pydantic to search as Python does
        return re.search(pattern, text) is not None


@lru_cache
def _search(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern))


def _words(fault: Any) -> str:  # Any: jsonschema has no types
    """A fault in words. They repeat the value only if it is short, and no part of it is a secret."""
    said = str(fault.message)
    value = repr(fault.instance)
    secret = "writeOnly" in str(fault.schema)  # how pydantic marks a secret
    if secret or isinstance(fault.instance, dict | list) or len(value) > MAX_VALUE_WORDS:
        said = said.replace(value, "the value")
    return f"{'.'.join(map(str, fault.absolute_path)) or 'the whole'}: {said}"


def _together(faults: Iterator[str]) -> str:
    """The first faults as one text; "" without any."""
    first = [fault[: MAX_WORDS // 2] for fault, _ in zip(faults, range(MAX_FAULTS), strict=False)]
    return "; ".join(first)[:MAX_WORDS].encode(errors="replace").decode()
