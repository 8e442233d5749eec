"""`rolltop config`: every setting, its value without secrets, and where it is from.

Plug-ins stay closed, and the store too, unless an administrator asks for the administrators on record.
"""

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter

from console.cli.grants import everybody
from console.cli.output import GOOD, LOOK_AT_IT, Given, harmless, table, tell
from console.cli.urls import shown_url
from console.cli.viewers import desk_as
from console.model_settings import read_model_settings
from console.settings import Settings
from console.settings_file import VALUES, read_files, read_tables, table_in
from console.sign_in.oidc import DEFAULT
from console.sign_in.settings import read_sign_in
from console.value_settings import Setting, read_fields, read_value, variable_of
from core.canonical import Json
from core.errors import InvalidInput
from core.log.records import RoleGrant
from core.values import GrantBasis

_URLS = ("store", "model", "embedder", "vectors", "reranker", "url")
"""Secrets that are URLs, of which all is shown that surely is none."""
_OF_SERVERS = ("headers", "extra_body")
"""What a model's server is sent, of which the names alone are shown."""
_OF_MODELS = ("settings", "model_settings")
"""What goes into requests to models, of which texts are not shown: one may be a key."""
_BASIS: Mapping[GrantBasis, str] = {
    "settings": variable_of("administrators"),
    "first": "rolltop grant --first, by {by}",
    "administrator": "granted by {by}",
}
_LOGIN = re.compile(r"(?<=//)[^/\s@]*@|(?<=/)[^/\s@:]*:[^\s@]*@")
"""The user and the password of a URL, wherever one was written: a path has one of its two slashes."""
_WIDEST = 60


async def config(options: Given) -> int:
    """Show every setting, its value without secrets, and where it is from."""
    administrators = await _administrators(options) if options.viewer else []
    settings = [*_values(os.environ), *_of_models(os.environ), *_of_sign_in(os.environ), *_of_plugins(os.environ)]
    faults = [setting for setting in settings if setting.fault]
    listed = [setting for setting in settings if setting.written or not (options.changed or setting.fault)]
    tell(options, [_item(setting) for setting in [*listed, *(one for one in faults if not one.written)]], "")
    if not options.json:
        rows = [(one.name, _short(_shown(one)), one.written or "default") for one in listed if not one.fault]
        tell(options, (), table([("setting", "value", "from"), *rows]))
        tell(options, (), "\n".join(f"! {harmless(setting.complaint)}" for setting in faults))
    if options.viewer:
        names = ("administrator", "since", "until", "from")
        lines = table([names, *([harmless(cell) for cell in row] for row in administrators)])
        tell(options, [dict(zip(names, row, strict=True)) for row in administrators], f"\n{lines}")
    return LOOK_AT_IT if faults else GOOD


def add_config(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop config`."""
    parser.add_argument(
        "--as",
        dest="viewer",
        metavar="ID",
        help="also who is an administrator on record, and why; your own id, an administrator's, which is recorded",
    )
    parser.add_argument("--changed", action="store_true", help="only what is set, and what is wrong with it")


async def _administrators(options: Given) -> list[tuple[str, str, str, str]]:
    """The administrators on record: since and until when, and what made them so. The look is on record."""
    async with desk_as(options, "roles.list") as desk:
        listed, _ = await everybody(desk.administration, desk.viewer)
    return [
        (one.person, one.granted_at, one.ends_at or "-", _BASIS[one.basis].format(by=one.by))
        for state, one in listed
        if state == "holds" and isinstance(one, RoleGrant) and one.role == "administrator"
    ]


def _values(environment: Mapping[str, str]) -> Iterator[Setting]:
    """What stands above the tables, and the tables that are one value each."""
    kinds: dict[str, type[BaseModel]] = {"": Settings, **VALUES}
    for name, kind in kinds.items():
        try:
            yield from (fields := read_fields(name, kind, environment))
            if not any(setting.fault for setting in fields):
                read_value(name, kind, environment)  # what is valid by itself may not go together
        except InvalidInput as error:
            yield Setting(name=name or "rolltop.toml", value=None, fault=str(error))


def _of_models(environment: Mapping[str, str]) -> Iterator[Setting]:
    try:
        for name, model in read_model_settings(environment).items():
            yield from _fields(f"models.{name}", model, environment)
    except InvalidInput as error:
        yield Setting(name="models", value=None, fault=str(error))


def _of_sign_in(environment: Mapping[str, str]) -> Iterator[Setting]:
    try:
        settings = read_sign_in(environment)
    except InvalidInput as error:
        yield Setting(name="sign-in", value=None, fault=str(error))
        return
    yield from _fields("sign_in", settings.sign_in, environment)
    if settings.proxy:
        yield from _fields("proxy", settings.proxy, environment)
    if settings.oidc:
        yield from _fields("oidc", settings.oidc, environment)
        for name, provider in settings.oidc.providers.items():
            yield from _fields("oidc" if name == DEFAULT else f"oidc.{name}", provider, environment)


def _of_plugins(environment: Mapping[str, str]) -> Iterator[Setting]:
    """What is set for plug-ins. Only they know what of it is secret, so that all of it is."""
    secret = SecretStr("set")
    for variable in environment:
        if variable.upper().startswith(variable_of("plugins.")):
            name = variable.upper().removeprefix(variable_of("")).replace("_", ".", 1).lower()
            yield Setting(name=name, value=secret, written=variable)
    try:
        for plugin, fields in table_in(read_tables(environment), "plugins").items():
            for field in fields if isinstance(fields, dict) else ():
                name = f"plugins.{plugin}.{field}"
                if (written := _written(name, environment)) != variable_of(name):
                    yield Setting(name=name, value=secret, written=written)
    except InvalidInput as error:
        yield Setting(name="plugins", value=None, fault=str(error))


def _fields(table: str, value: BaseModel, environment: Mapping[str, str]) -> Iterator[Setting]:
    for field in type(value).model_fields:
        if field != "providers":
            name = f"{table}.{field}"
            yield Setting(name=name, value=getattr(value, field), written=_written(name, environment))


def _written(name: str, environment: Mapping[str, str]) -> str:
    """The variable or the file that sets it, in the order in which they count; "" for a default."""
    *path, field = name.split(".")
    if variable := next((one for one in environment if one.upper() == variable_of(name)), ""):
        return variable
    return next((file for file, tables in read_files(environment) if field in table_in(tables, ".".join(path))), "")


def _item(setting: Setting) -> Json:
    item = {
        "setting": setting.name,
        "variable": variable_of(setting.name),
        "value": _shown(setting),
        "from": setting.written or "default",
    }
    return item | ({"fault": setting.complaint} if setting.fault else {})


def _shown(setting: Setting) -> Json:
    """The value, with nothing in it that may be secret."""
    field, value = setting.name.rpartition(".")[2], setting.value
    if field in _OF_SERVERS:
        return dict.fromkeys(value, "set")
    if field in _OF_MODELS:
        return {name: "set" if isinstance(held, str | dict | list) else held for name, held in value.items()}
    if not isinstance(value, SecretStr):
        shown = TypeAdapter[Any](Any).dump_python(value, mode="json")
        # As JSON, in which a blank follows each value of a list: what is hidden ends there.
        return json.loads(_LOGIN.sub("…@", json.dumps(shown)))
    secret = value.get_secret_value()
    if field in _URLS and not setting.name.startswith("plugins."):
        return " ".join(map(_public, secret.split()))
    return "set" if secret else "not set"


def _public(url: str) -> str:
    """The URL without user, password and options."""
    # Not at the first ? of a store's URL: a password there may have one, and `shown_url` knows.
    head, mark, _ = (url, "", "") if url.startswith("mongodb") else url.partition("?")
    return shown_url(head) + ("?…" if mark else "")


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    line = harmless(text)
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"
