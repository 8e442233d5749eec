"""A tool's parameters as its JSON schema describes them, so far as arguments for them can be read from a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.canonical import Json
from core.model import ToolSchema
from core.words import words

STARTS = frozenset(("from", "start", "starts", "first", "begin", "begins", "since", "starting"))
ENDS = frozenset(("to", "until", "end", "ends", "last", "till", "through", "ending"))

Edge: TypeAlias = Literal["start", "end"]
EDGES: tuple[Edge, ...] = ("start", "end")

Type: TypeAlias = Literal["date", "month", "integer", "number", "boolean", "choice", "text", "other"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as its schema describes it; `described` is its description, perhaps ""."""

    name: str
    type: Type
    required: bool
    choices: tuple[Json, ...]
    pattern: str | None
    described: str

    @property
    def words(self) -> str:
        """All that the schema says of it, for comparing with a question."""
        return " ".join([self.name, self.described, *map(str, self.choices)])

    @property
    def edge(self) -> Edge | None:
        """Which end of a range its name speaks of."""
        named = set(words(self.name))
        return "start" if named & STARTS else "end" if named & ENDS else None


def parameters(tool: ToolSchema) -> list[Parameter]:
    """The tool's parameters, in the order of its schema."""
    required = tool.parameters.get("required", ())
    definitions = tool.parameters.get("$defs", {})
    properties: Mapping[str, Json] = tool.parameters.get("properties", {})
    return [_parameter(name, schema, name in required, definitions) for name, schema in properties.items()]


def _parameter(name: str, schema: Mapping[str, Json], required: bool, definitions: Mapping[str, Json]) -> Parameter:
    shape = _resolve(schema, definitions)
    described = str(schema.get("description") or shape.get("description") or "")
    listed = shape.get("enum") or ([shape["const"]] if "const" in shape else [])
    choices = tuple(choice for choice in listed if choice is not None)
    kind = _type(name, shape, described, choices)
    return Parameter(name, kind, required, choices, shape.get("pattern"), described)


def _resolve(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> Mapping[str, Json]:
    """The schema that counts: behind its `$ref`, and without the null that an optional parameter may also be."""
    if reference := schema.get("$ref"):
        return _resolve(definitions.get(str(reference).rpartition("/")[2], {}), definitions)
    if options := [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]:
        return _resolve(options[0], definitions) if len(options) == 1 else {}
    return schema


def _type(name: str, shape: Mapping[str, Json], described: str, choices: Sequence[Json]) -> Type:
    if choices:
        return "choice"
    named = words(name)
    match shape.get("type"), shape.get("format"):
        case "string", "date":
            return "date"
        case "string", None if "month" in named:
            return "month"
        case "string", None if "date" in named or "YYYY-MM-DD" in described:
            return "date"
        case "string", _:
            return "text"
        case "integer", _:
            return "integer"
        case "number", _:
            return "number"
        case "boolean", _:
            return "boolean"
        case _:
            return "other"
