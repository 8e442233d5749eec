"""All findings about an installation, part by part, each with its progress."""

from collections.abc import AsyncIterator

from backends.handbooks.service import Handbooks
from console.doctor.backups import examine_backups
from console.doctor.care import examine_care
from console.doctor.finding import Finding
from console.doctor.index import examine_handbooks, examine_index
from console.doctor.models import examine_models
from console.doctor.people import examine_people, examine_sign_in
from console.doctor.store import Equipped, examine_promises, examine_store
from console.doctor.versions import versions
from console.settings import Settings
from core.store import Store


async def examine_settings(settings: Settings, store: Store, *, demo: bool) -> AsyncIterator[Finding]:
    """The findings that come at once: of models, sign-in, people, cards, the store, and its backups."""
    for finding in (
        *examine_promises(store.capabilities),
        *examine_models(settings),
        *examine_sign_in(demo=demo),
    ):
        yield finding
    async for finding in examine_people(store, settings):
        yield finding
    async for finding in examine_care(settings, demo=demo):
        yield finding
    async for finding in examine_backups(store, demo=demo):
        yield finding


async def examine(
    settings: Settings,
    store: Store,
    equipped: Equipped,
    *,
    handbooks: Handbooks | None = None,
    repair: bool = False,
) -> AsyncIterator[Finding]:
    """Every finding. `handbooks` are those that are open already; None opens them for the examination.

    `repair` makes a vector index hold what the catalogue says; all else only reads. Raises InvalidInput for invalid
    settings, and what the store raises.
    """
    told = (f"{name} {number}" for name, number in (await versions(store)).items())
    yield Finding(about="versions", what=", ".join(told))
    async for finding in examine_settings(settings, store, demo=equipped.demo):
        yield finding
    if handbooks is None:
        of_handbooks = examine_index(settings, repair=repair)
    else:
        of_handbooks = examine_handbooks(handbooks, settings.index_file, repair=repair)
    async for finding in of_handbooks:
        yield finding
    async for finding in examine_store(store, equipped):
        yield finding
