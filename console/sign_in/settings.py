"""The settings of the sign-in: tables of rolltop.toml, and variables of the environment, which come first.

A variable is `ROLLTOP_`, the table's name, and the field's: `ROLLTOP_OIDC_CLIENT_SECRET`. If providers have names, the
provider's stands between: `ROLLTOP_OIDC_ENTRA_CLIENT_SECRET`.
"""

import os
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.settings_file import FILE, PREFIX, read_tables
from console.sign_in.oidc import DEFAULT, Oidc, Provider
from console.sign_in.proxy import Proxy
from console.value_settings import missing, words_of
from core.errors import InvalidInput


class General(BaseModel):
    """The table `[sign_in]`: whom a person without a role should ask, and `module:name` of a sign-in of one's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    whom_to_ask: str = "your HR department"
    own: str = Field(default="", pattern=r"^([\w.]+:\w+)?$")


class SignInSettings(BaseModel):
    """All tables; None for one that is set neither in the file nor in the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sign_in: General = General()
    oidc: Oidc | None = None
    proxy: Proxy | None = None


TABLES = tuple(SignInSettings.model_fields)
_OF_PROVIDERS = tuple(Provider.model_fields)
_SHARED = tuple(name for name in Oidc.model_fields if name != "providers")


def is_of_sign_in(variable: str) -> bool:
    """Whether a variable of the environment is for this module to read, or to refuse."""
    name = variable.upper()
    return name == FILE or name.startswith(tuple(f"{PREFIX}{table.upper()}_" for table in TABLES))


def read_sign_in(environment: Mapping[str, str] = os.environ) -> SignInSettings:
    """The settings of the sign-in. Raises InvalidInput, which names what is wrong and never repeats a value."""
    tables = {name: table for name, table in read_tables(environment).items() if name in TABLES}
    for variable, value in environment.items():
        if variable.upper() != FILE and is_of_sign_in(variable):
            _put(tables, variable, value)
    if "oidc" in tables:
        tables["oidc"] = _with_providers(tables["oidc"])
    try:
        settings = SignInSettings.model_validate(tables)
    except ValidationError as error:
        raise InvalidInput("; ".join(map(_complaint, error.errors()))) from None
    if sum(map(bool, (settings.sign_in.own, settings.oidc, settings.proxy))) > 1:
        raise InvalidInput("there is one sign-in at a time: set only one of [oidc], [proxy] and sign_in.own")
    return settings


def _put(tables: dict[str, Any], variable: str, value: str) -> None:
    """Put a variable's value in its place among the tables."""
    rest = variable.upper().removeprefix(PREFIX).lower()
    name = next(table for table in TABLES if rest.startswith(f"{table}_"))
    field = rest.removeprefix(f"{name}_")
    table = tables.setdefault(name, {})
    if name == "oidc" and field not in (*_SHARED, *_OF_PROVIDERS):
        provider, _, field = field.partition("_")
        if provider not in table or field not in _OF_PROVIDERS:
            names = ", ".join(f"{PREFIX}OIDC_{known.upper()}" for known in (*_SHARED, *_OF_PROVIDERS))
            raise InvalidInput(f"unknown setting {variable}: the settings are {names}")
        table = table[provider]
    table[field] = value


def _with_providers(table: dict[str, Any]) -> dict[str, Any]:
    """The table with its providers in one: those of its tables with a name, or the one that its own fields make."""
    named = {key: value for key, value in table.items() if isinstance(value, dict) and key not in _OF_PROVIDERS}
    shared = {key: value for key, value in table.items() if key not in named}
    own = {key: shared.pop(key) for key in list(shared) if key in _OF_PROVIDERS}
    if named and own:
        fields = ", ".join(own)
        raise InvalidInput(f"oidc: {fields}: with providers of a name, give this in the table of each, [oidc.NAME]")
    return {**shared, "providers": named or {DEFAULT: own}}


def _complaint(fault: Mapping[str, Any]) -> str:
    place = _place(fault["loc"])
    match fault["type"]:
        case "missing":
            return f"{place}: {missing(place)}"
        case "extra_forbidden":
            return f"{place}: unknown setting: docs/settings.md lists those of its table"
        case _:
            return f"{place}: {words_of(fault)}"


def _place(path: tuple[int | str, ...]) -> str:
    """Where a fault is, as it is written in rolltop.toml."""
    return ".".join(str(part) for part in path if part not in ("providers", DEFAULT))
