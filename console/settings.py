"""Settings: the environment's ROLLTOP_* variables, and nothing else.

A misspelt name would silently run the desk on a default store, so one that is not known is an error. URLs may hold
passwords: they are secrets here, and no message repeats a value.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import InvalidInput

PREFIX = "ROLLTOP_"


class Settings(BaseSettings):
    """`store` and `model` are URLs; `handbooks` is a folder of handbooks, taken in at each start, or empty for none;
    `instructions` go with every turn. With neither `store` nor `handbooks` in the environment, a new store is a demo.

    Several models, with blanks between, are tried in that order. `prices` is a JSON file of own prices, for models that
    the price list does not know.
    A provider's key goes to the provider alone; `key_env=NAME` in a URL is the environment variable with the key of
    another server or account, as `open_model` says.

    `hr_records` is the SQLite file of a demo's HR records; empty puts it beside an SQLite store, and in memory with any
    other.

    `index` is the SQLite file of the handbooks' catalogue; empty puts it beside an SQLite store, in memory with
    `memory:`, and else into the working folder. `embedder`, `vectors` and `reranker` are URLs: what makes the passages'
    vectors (`none:` searches by words alone), what keeps them, and what ranks anew (empty: nothing does).
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    store: SecretStr = SecretStr("sqlite:///rolltop.db")
    model: SecretStr = SecretStr("offline:")
    prices: Path | None = None
    handbooks: Path | None = None
    index: str = ""
    embedder: SecretStr = SecretStr("static:")
    vectors: SecretStr = SecretStr("local:")
    reranker: SecretStr = SecretStr("")
    hr_records: str = ""
    instructions: str = Field(
        default="You are the HR desk. Answer from the handbook passages and cite them as [n]; "
        "if there are tools for the asker's own records, use them; say so when nothing has the answer.",
        max_length=20_000,
    )

    @field_validator("handbooks", mode="before")
    @classmethod
    def _none_for_empty(cls, value: Path | str | None) -> Path | str | None:
        return value or None  # an empty path would be the working folder

    @property
    def default_desk(self) -> bool:
        """Whether nobody has said which store this is, nor which handbooks it answers from: what a newcomer starts."""
        return not self.model_fields_set & {"store", "handbooks"}

    @property
    def models(self) -> list[str]:
        """The models' URLs, in the order in which they are tried."""
        return self.model.get_secret_value().split()

    @property
    def hr_file(self) -> str:
        """Where the HR records are, as SQLite names it."""
        return self.hr_records or self._beside("hr") or ":memory:"

    @property
    def index_file(self) -> str:
        """Where the catalogue of the handbooks is, as SQLite names it."""
        own = ":memory:" if self.store.get_secret_value() == "memory:" else "rolltop-handbooks.db"
        return self.index or self._beside("handbooks") or own

    def _beside(self, what: str) -> str:
        """A file beside an SQLite store; "" beside any other."""
        scheme, _, path = self.store.get_secret_value().partition(":///")
        return f"{path}-{what}" if scheme == "sqlite" else ""


def read_settings() -> Settings:
    """The process's settings. Raises InvalidInput, which names the variables at fault and those there are."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise InvalidInput(f"no setting {', '.join(unknown)}: the settings are {', '.join(known)}")
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput(faults) from None
