"""The settings of single models: the tables `[models.NAME]` of rolltop.toml, and variables of the environment.

`ROLLTOP_MODEL` names such a model by NAME. A variable is `ROLLTOP_MODELS_`, the model's name and the field's:
`ROLLTOP_MODELS_LOCAL_TEMPERATURE`; a `-` of the name is `_` in it. Variables come before the file. That of a table,
such as `ROLLTOP_MODELS_LOCAL_EXTRA_BODY`, is a JSON object.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from backends.models.opening import open_model
from backends.models.prices import Prices
from console.settings_file import FILE, PREFIX, read_tables
from console.value_settings import read_value
from core.canonical import Json
from core.errors import InvalidInput
from core.model import Model

_PREFIX = f"{PREFIX}MODELS_"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class ModelSettings(BaseModel):
    """One model: `url` and `key_env` as in `open_model`, what its server is sent too, and what it needs for itself.

    A value of `headers` that begins with `$` names the environment variable that holds it. `temperature` and
    `max_output_tokens` are two of its `settings`. The deadlines are those of `core.Options`, in seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    key_env: str | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    extra_body: dict[str, Any] = Field(default_factory=dict)
    temperature: float | None = None
    max_output_tokens: int | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    context_window: int | None = None
    first_content: float | None = None
    between_contents: float | None = None
    model_call: float | None = None

    def open(self, prices: Prices | None, environment: Mapping[str, str]) -> Model:
        """The model. Raises InvalidInput as `open_model`, and if a header's variable is not set."""
        url = self.url.get_secret_value()
        if self.key_env is not None:
            url += f"{'&' if '?' in url else '?'}key_env={self.key_env}"
        longest = "max_tokens" if url.startswith("anthropic:") else "max_output_tokens"
        named: dict[str, Json] = {"temperature": self.temperature, longest: self.max_output_tokens}
        return open_model(
            url,
            prices=prices,
            headers={name: _header(name, value, environment) for name, value in self.headers.items()},
            extra_body=self.extra_body,
            settings={**self.settings, **{name: value for name, value in named.items() if value is not None}},
            context_window=self.context_window,
            first_content=self.first_content,
            between_contents=self.between_contents,
            model_call=self.model_call,
        )


_FIELDS = tuple(ModelSettings.model_fields)


def is_of_models(variable: str) -> bool:
    """Whether a variable of the environment is for this module to read, or to refuse."""
    return variable.upper().startswith(_PREFIX)


def open_models(
    named: Sequence[str], prices: Prices | None = None, environment: Mapping[str, str] = os.environ
) -> list[Model]:
    """The models behind these URLs, and names of tables, in their order.

    Raises InvalidInput, which names the model and the field, and never repeats a value.
    """
    known = read_model_settings(environment)
    models: list[Model] = []
    for name in named:
        if ":" in name:
            models.append(open_model(name, prices=prices))
            continue
        if name not in known:
            tables = ", ".join(known) or "none"
            raise InvalidInput(f"{PREFIX}MODEL names a model without a table [models.NAME]; the tables are {tables}")
        try:
            models.append(known[name].open(prices, environment))
        except InvalidInput as error:
            raise InvalidInput(f"models.{name}: {error}") from error
    _check_names(named, models)
    return models


def _check_names(named: Sequence[str], models: Sequence[Model]) -> None:
    """Raises InvalidInput if two models have one name: a record, and a turn that goes on, could not tell them apart."""
    known: dict[str, str] = {}
    for name, model in zip(named, models, strict=True):
        if model.name in known:
            both = " and ".join("a URL" if ":" in one else f"models.{one}" for one in (known[model.name], name))
            raise InvalidInput(
                f"{PREFIX}MODEL: {both} are one model of one server, {model.name}, with other settings. Records could "
                "not tell them apart: leave one out, or give one of them another model name at the server"
            )
        known[model.name] = name


def model_urls(named: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """The URLs behind these URLs, and names of tables, in their order; a name without a table stays as it is.

    Raises InvalidInput as `read_model_settings`.
    """
    known = read_model_settings(environment)
    return [known[name].url.get_secret_value() if name in known else name for name in named]


def read_model_settings(environment: Mapping[str, str] = os.environ) -> dict[str, ModelSettings]:
    """The settings of each model that has a table or variables, by its name. Raises InvalidInput as `open_models`."""
    tables = read_tables(environment).get("models", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise InvalidInput("models: each model has a table of its own, [models.NAME]")
    if strange := [name for name in tables if not _NAME.fullmatch(name)]:
        raise InvalidInput(f"models: a name has letters, digits, - and _, and begins with a letter: {strange[0]!r}")
    own: dict[str, dict[str, str]] = {name: {} for name in tables}
    for variable, value in environment.items():
        if is_of_models(variable):
            own.setdefault(_model_of(variable, tables), {})[variable] = value
    files = {FILE: environment[FILE]} if FILE in environment else {}
    return {name: read_value(f"models.{name}", ModelSettings, files | variables) for name, variables in own.items()}


def _model_of(variable: str, tables: Iterable[str]) -> str:
    """The name of the model that a variable is for."""
    rest = variable.upper().removeprefix(_PREFIX)
    # The longest field that fits: `..._EXTRA_BODY` must not be read as a field `body` of a model `..._EXTRA`.
    field = max((field for field in _FIELDS if rest.endswith(f"_{field.upper()}")), key=len, default="")
    place = rest.removesuffix(f"_{field.upper()}")
    if not field or not _NAME.fullmatch(place):
        raise InvalidInput(
            f"unknown setting {variable}: write {_PREFIX}NAME_FIELD; the fields are {', '.join(_FIELDS)}"
        )
    return next((name for name in tables if name.upper().replace("-", "_") == place), place.lower())


def _header(name: str, value: SecretStr, environment: Mapping[str, str]) -> str:
    """The header's value, or that of the environment variable that it names."""
    text = value.get_secret_value()
    if not text.startswith("$"):
        return text
    if not (held := environment.get(text[1:], "").strip()):
        raise InvalidInput(f"headers.{name}: the environment variable {text[1:]} is not set")
    return held
