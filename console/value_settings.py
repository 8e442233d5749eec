"""Settings that are one value: a table of rolltop.toml, and variables of the environment, which come first.

The field `first_content` of the table `[desk]` is the variable `ROLLTOP_DESK_FIRST_CONTENT`. In a variable, a list has
commas between its items, and a mapping is a JSON object.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from console.settings_file import FILE, PREFIX, TABLES, VALUES, read_files, table_in
from core.errors import InvalidInput

V = TypeVar("V", bound=BaseModel)

_RENAMED = {f"{PREFIX}TURNS_AT_ONCE": f"{PREFIX}DESK_TURNS_AT_ONCE"}
"""Older names of variables, which still count; both names at once are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting as it holds. `name` is its place in rolltop.toml; `written` is the variable or the file that sets it.

    `fault` says what is wrong with what is written there; the value is then the default.
    """

    name: str
    value: Any
    written: str = ""
    in_file: bool = False
    fault: str = ""

    @property
    def complaint(self) -> str:
        """The fault with the name that has it, as it is written; "" without a fault."""
        return self.fault and f"{self.name if self.in_file or not self.written else self.written}: {self.fault}"


def read_value(table: str, kind: type[V], environment: Mapping[str, str] = os.environ) -> V:
    """The value of this table, "" for what stands above all tables.

    Raises InvalidInput, which names the variables or the keys that are invalid and what was meant by unknown ones. A
    message never repeats a value.
    """
    values = written_values(table, kind, environment)
    try:
        return kind(**values)
    except ValidationError as error:
        raise InvalidInput("; ".join(f"{table}: {words_of(fault)}" for fault in error.errors())) from None
    except InvalidInput as error:
        raise InvalidInput(f"{table}: {error}") from None


def written_values(table: str, kind: type[BaseModel], environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What is written for this table, by field, each as its field has it. Raises as `read_value`."""
    read = read_fields(table, kind, environment)
    if faults := [setting.complaint for setting in read if setting.fault]:
        raise InvalidInput("; ".join(faults))
    return {setting.name.rpartition(".")[2]: setting.value for setting in read if setting.written}


def read_fields(table: str, kind: type[BaseModel], environment: Mapping[str, str] = os.environ) -> list[Setting]:
    """Each field of this table, then what is unknown or set twice. Raises InvalidInput for a malformed file."""
    fields, found, refused = kind.model_fields, dict[str, Setting](), list[Setting]()
    for setting in _written(table, environment):
        name = setting.name.rpartition(".")[2]
        if name not in fields:
            refused.append(replace(setting, value=None, fault=_meant(setting, table, fields)))
        elif name not in found:
            found[name] = _checked(setting, fields[name])
        elif setting.in_file and found[name].in_file and isinstance(found[name].value, Mapping):
            later = _checked(setting, fields[name])
            found[name] = replace(found[name], value={**(later.value or {}), **found[name].value}, fault=later.fault)
        elif not setting.in_file:
            twice = f"it is set twice, also as {found[name].written}: leave one of them out"
            refused.append(replace(setting, value=None, fault=twice))
    for name, field in fields.items():
        if name not in found:
            key = _key(table, name)
            found[name] = Setting(name=key, value=_default(field), fault=missing(key) if field.is_required() else "")
    return [*(found[name] for name in fields), *refused]


def variable_of(name: str) -> str:
    """The variable for a key of rolltop.toml, such as `desk.first_content`."""
    return PREFIX + name.upper().replace(".", "_").replace("-", "_")


def missing(name: str) -> str:
    """What is wrong with a key of rolltop.toml that must be set and is not."""
    return f"it must be set, in rolltop.toml or as {variable_of(name)}"


def words_of(fault: Mapping[str, Any]) -> str:
    """What pydantic says is wrong, without its own words for the kind of error."""
    return str(fault["msg"]).removeprefix("Value error, ")


def _written(table: str, environment: Mapping[str, str]) -> Iterator[Setting]:
    """What is set, each as it is written: variables first, then the files in their order."""
    prefix = variable_of(f"{table}.") if table else PREFIX
    for written, text in environment.items():
        variable = _RENAMED.get(written.upper(), written.upper())
        if variable.startswith(prefix) and variable != FILE and (table or not _of_a_table(variable)):
            name = variable.removeprefix(prefix).lower()
            yield Setting(name=_key(table, name), value=text, written=written)
    for file, tables in read_files(environment):
        for name, value in table_in(tables, table).items():
            if table or name not in TABLES:
                yield Setting(name=_key(table, name), value=value, written=file, in_file=True)


def _of_a_table(variable: str) -> bool:
    return variable.startswith(tuple(variable_of(f"{table}.") for table in TABLES))


def _checked(setting: Setting, field: FieldInfo) -> Setting:
    """The setting with its value as its field has it, or with the fault of it."""
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    adapter = TypeAdapter[Any](kind)
    try:
        if setting.in_file:
            # Strictly, because a file has types: `true` is not the number 1. As JSON, in which a tuple is an array.
            value = adapter.validate_json(json.dumps(setting.value, default=str), strict=True)
        else:
            value = adapter.validate_python(_parsed(field.annotation, setting.value))
    except ValidationError as error:
        return replace(setting, value=_default(field), fault="; ".join(map(words_of, error.errors())))
    except (ValueError, RecursionError):
        return replace(setting, value=_default(field), fault='write a JSON object, such as {"name": 1}')
    return replace(setting, value=value)


def _parsed(annotation: Any, text: str) -> Any:
    """A variable's text as its field takes it. Raises ValueError for a mapping that is not JSON."""
    kinds = {get_origin(one) or one for one in (annotation, *get_args(annotation))}
    if kinds & {Mapping, dict}:
        return json.loads(text)
    if get_origin(annotation) in (tuple, list, frozenset):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _meant(setting: Setting, table: str, fields: Collection[str]) -> str:
    """What was meant by an unknown name: one like it, or else all names of the table."""
    names = [_key(table, field) for field in fields]
    near = [_key(table, field) for field in get_close_matches(setting.name.rpartition(".")[2], fields, 1)]
    if not near and not table:
        elsewhere = [_key(other, field) for other, kind in VALUES.items() for field in kind.model_fields]
        near = get_close_matches(setting.name, [*elsewhere, *TABLES], 1)
    if not setting.in_file:
        near, names = list(map(variable_of, near)), list(map(variable_of, names))
    return "unknown setting: " + (f"write {near[0]}" if near else f"the settings are {', '.join(names)}")


def _key(table: str, field: str) -> str:
    return f"{table}.{field}" if table else field


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True)
