"""The store that a command works on, which must exist already."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from pydantic import SecretStr

from backends.stores.opening import open_store
from console.cli.output import Given
from console.cli.urls import with_password
from console.settings import Settings, read_settings
from core.errors import InvalidInput
from core.store import Store


def settings_of(options: Given) -> Settings:
    """The settings, with the store that the command names."""
    settings = read_settings()
    return settings.model_copy(update={"store": SecretStr(options.store)}) if options.store else settings


@asynccontextmanager
async def existing_store(url: str | None) -> AsyncIterator[Store]:
    """The store of this URL, None for that of the settings. Raises InvalidInput if its file does not exist."""
    url = url or read_settings().store.get_secret_value()
    path = url.removeprefix("sqlite:///")
    # Opening makes a missing file, and a mistyped path would look like an empty store.
    if path != url and not await anyio.Path(path).exists():
        raise InvalidInput(
            f"the file {path} does not exist: name the store with --store sqlite:///FILE or ROLLTOP_STORE"
        )
    async with open_store(await with_password(url)) as store:
        yield store
