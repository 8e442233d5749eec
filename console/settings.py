"""Settings: those that stand above the tables of rolltop.toml, each of which may be a variable `ROLLTOP_*` instead.

An unknown name is an error, because a misspelt one would silently run the desk on a default store. URLs may hold
passwords: they are secrets here, and messages never repeat a value.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from console.value_settings import written_values
from core.ids import check_user_id

Folder = Annotated[Path | None, BeforeValidator(lambda written: written or None)]
"""A folder; None for an empty path, which would be the working folder."""

_SMALL = BeforeValidator(lambda written: written.lower() if isinstance(written, str) else written)


class Settings(BaseSettings):
    """What a console or a command runs with. The options of its desk are a table of their own.

    `store` is a URL. `model` is one or more models, with blanks between, tried in that order: each is a URL, or the
    name of a table `[models.NAME]` in rolltop.toml. `prices` is a JSON file with the prices of models that the price
    list does not know. `key_env=NAME` in a URL names the environment variable with the key of another server or
    account, as `open_model` says; a provider's own key goes to the provider alone. `instructions` go with every turn.
    `erase_after_days` is the time from a person's request to erase a thread to its erasure.

    `looks_shown_after_days` is how many days, at most 90, another person's look stays hidden from its owner.

    `handbooks` is a folder that is imported at each start, or empty. If neither `store` nor `handbooks` is set, a new
    store is a demo.

    `care` is a folder of cards for people in need; None or empty is a demo's own, and no card in any other store.

    `hr_records` is the SQLite file of a demo's HR records; empty puts it beside an SQLite store, and in memory with any
    other store.

    `tools` names the plug-ins whose tools the desk has, in their order; those that are installed and not named do not
    count. A demo without any has the demo's own.

    `administrators` are the ids of people who are made administrators, each once.

    `metadata_filters` names the fields of threads' metadata by which auditors may filter.

    `index` is the SQLite file of the handbooks' catalogue; empty puts it beside an SQLite store, in memory with
    `memory:`, and else into the working folder. `embedder`, `vectors` and `reranker` are URLs: of what makes the
    passages' vectors (`none:` searches by words alone), of what stores them, and of what ranks the results again (empty
    keeps their first order).

    `log` is the form of the server's log: `json`, `text`, or empty for `text` in a terminal and `json` elsewhere.
    `log_level` is the least grave line that is written. `spans`: what a desk does is sent to OpenTelemetry. A commit
    that takes `slow_commit_ms` or longer is a warning.

    `drain` is for how many seconds a server that is told to end waits for its running turns.
    """

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    store: SecretStr = SecretStr("sqlite:///rolltop.db")
    model: SecretStr = SecretStr("offline:")
    prices: Path | None = None
    erase_after_days: int = Field(default=30, ge=0, le=365)
    looks_shown_after_days: int = Field(default=0, ge=0, le=90)
    handbooks: Folder = None
    care: Folder = None
    index: str = ""
    embedder: SecretStr = SecretStr("static:")
    vectors: SecretStr = SecretStr("local:")
    reranker: SecretStr = SecretStr("")
    hr_records: str = ""
    tools: tuple[str, ...] = ()
    administrators: tuple[Annotated[str, AfterValidator(check_user_id)], ...] = ()
    metadata_filters: tuple[str, ...] = ()
    log: Annotated[Literal["json", "text", ""], _SMALL] = ""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _SMALL] = "info"
    slow_commit_ms: PositiveInt = 1000
    spans: bool = False
    drain: float = Field(default=5, ge=0, le=600)
    instructions: str = Field(
        default="You are the HR desk. Answer from the handbook passages and cite them as [n]; "
        "if there are tools for the asker's own records, use them; say so when nothing has the answer.",
        max_length=20_000,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # One reader for variables and files of all tables, in place of the library's: it names what was meant by a
        # name, and `rolltop config` shows where a value comes from.
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=written_values("", settings_cls))

    @property
    def default_desk(self) -> bool:
        """Whether neither the store nor the folder of handbooks is set, as at a newcomer's first start."""
        return not self.model_fields_set & {"store", "handbooks"}

    @property
    def models(self) -> list[str]:
        """The models' URLs or names, in the order in which they are tried."""
        return self.model.get_secret_value().split()

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


def read_settings() -> Settings:
    """The process's settings. Raises InvalidInput, which names the invalid settings and what was meant."""
    return Settings()
