"""Settings: the environment's ROLLTOP_* variables, but for those of the sign-in and of single models.

An unknown name is an error, because a misspelt one would silently run the desk on a default store. URLs may hold
passwords: they are secrets here, and messages never repeat a value.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from console.model_settings import is_of_models
from console.settings_file import PREFIX
from console.sign_in.settings import is_of_sign_in
from core.errors import InvalidInput
from core.ids import check_user_id
from core.options import Options


class Settings(BaseSettings):
    """What a console or a command runs with; each field is the variable of its name with `ROLLTOP_` before it.

    `store` is a URL. `model` is one or more models, with blanks between, tried in that order: each is a URL, or the
    name of a table `[models.NAME]` in rolltop.toml. `prices` is a JSON file
    with the prices of models that the price list does not know. `key_env=NAME` in a URL names the environment variable
    with the key of another server or account, as `open_model` says; a provider's own key goes to the provider alone.
    `instructions` go with every turn. `turns_at_once` is how many questions are answered at a time; further ones wait.
    `erase_after_days` is the time from a person's request to erase a thread to its erasure.

    `looks_shown_after_days` is how many days, at most 90, another person's look stays hidden from its owner.

    `handbooks` is a folder that is imported at each start, or empty. If neither `store` nor `handbooks`
    is in the environment, a new store is a demo.

    `care` is a folder of cards for people in need; None or empty is a demo's own, and no card in any other store.

    `hr_records` is the SQLite file of a demo's HR records; empty puts it beside an SQLite store, and in memory with any
    other store.

    `administrators` are the ids, with commas between, of people who are made administrators, each once.

    `metadata_filters` names the fields of threads' metadata by which auditors may filter, with commas between.

    `index` is the SQLite file of the handbooks' catalogue; empty puts it beside an SQLite store, in memory with
    `memory:`, and else into the working folder. `embedder`, `vectors` and `reranker` are URLs: of what makes the
    passages' vectors (`none:` searches by words alone), of what stores them, and of what ranks the results again (empty
    keeps their first order).

    `log` is the form of the server's log: `json`, `text`, or empty for `text` in a terminal and `json` elsewhere.
    `log_level` is the least grave line that is written. `spans`: what a desk does is told to OpenTelemetry.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    store: SecretStr = SecretStr("sqlite:///rolltop.db")
    model: SecretStr = SecretStr("offline:")
    prices: Path | None = None
    turns_at_once: PositiveInt = Options().turns_at_once
    erase_after_days: int = Field(default=30, ge=0, le=365)
    looks_shown_after_days: int = Field(default=0, ge=0, le=90)
    handbooks: Path | None = None
    care: Path | None = None
    index: str = ""
    embedder: SecretStr = SecretStr("static:")
    vectors: SecretStr = SecretStr("local:")
    reranker: SecretStr = SecretStr("")
    hr_records: str = ""
    administrators: str = ""
    metadata_filters: str = ""
    log: Literal["json", "text", ""] = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    spans: bool = False
    instructions: str = Field(
        default="You are the HR desk. Answer from the handbook passages and cite them as [n]; "
        "if there are tools for the asker's own records, use them; say so when nothing has the answer.",
        max_length=20_000,
    )

    @field_validator("handbooks", "care", mode="before")
    @classmethod
    def _none_for_empty(cls, value: Path | str | None) -> Path | str | None:
        return value or None  # an empty path would be the working folder

    @field_validator("log", "log_level", mode="before")
    @classmethod
    def _in_small_letters(cls, value: str) -> str:
        return value.lower()

    @field_validator("administrators")
    @classmethod
    def _ids(cls, value: str) -> str:
        for person in _listed(value):
            check_user_id(person)
        return value

    @property
    def default_desk(self) -> bool:
        """Whether neither the store nor the folder of handbooks is set, as at a newcomer's first start."""
        return not self.model_fields_set & {"store", "handbooks"}

    @property
    def models(self) -> list[str]:
        """The models' URLs or names, in the order in which they are tried."""
        return self.model.get_secret_value().split()

    @property
    def metadata_fields(self) -> list[str]:
        """The names in `metadata_filters`."""
        return _listed(self.metadata_filters)

    @property
    def administrator_ids(self) -> list[str]:
        """The ids in `administrators`."""
        return _listed(self.administrators)

    @property
    def hr_file(self) -> str:
        """The path of the HR records, for SQLite."""
        return self.hr_records or self._beside("hr") or ":memory:"

    @property
    def index_file(self) -> str:
        """The path of the handbooks' catalogue, for SQLite."""
        own = ":memory:" if self.store.get_secret_value() == "memory:" else "rolltop-handbooks.db"
        return self.index or self._beside("handbooks") or own

    def _beside(self, what: str) -> str:
        """A file beside an SQLite store; "" beside any other."""
        scheme, _, path = self.store.get_secret_value().partition(":///")
        return f"{path}-{what}" if scheme == "sqlite" else ""


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def read_settings() -> Settings:
    """The process's settings. Raises InvalidInput, which names the invalid variables and the valid names."""
    names = [PREFIX + name.upper() for name in Settings.model_fields]
    mine = [name for name in os.environ if name.upper().startswith(PREFIX)]
    mine = [name for name in mine if not is_of_sign_in(name) and not is_of_models(name)]
    unknown = sorted(name for name in mine if name.upper() not in names)
    if unknown:
        raise InvalidInput(f"unknown setting {', '.join(unknown)}: the settings are {', '.join(names)}")
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput(faults) from None
