"""The people: the settings of their sign-in, and the roles and blocks on record."""

from collections.abc import AsyncIterator, Iterator

from console.doctor.finding import Finding
from console.format import counted
from console.settings import Settings
from console.sign_in.settings import SignInSettings, read_sign_in
from core.clock import SystemClock
from core.desk.administration_log import AdministrationLog
from core.errors import InvalidInput
from core.log.records import AdministrationRecord
from core.store import Store


def examine_sign_in(*, demo: bool) -> Iterator[Finding]:
    """Every finding about the settings of the sign-in."""
    try:
        settings = read_sign_in()
    except InvalidInput as error:
        to_do = "docs/sign-in.md says what each field holds"
        yield Finding(about="sign-in", what=str(error), to_do=to_do, level="trouble")
        return
    yield Finding(about="sign-in", what=_way(settings))
    if settings == SignInSettings() and not demo:
        yield Finding(
            about="sign-in",
            what="the people of this company cannot sign in",
            to_do="set [oidc] or [proxy] in rolltop.toml, as docs/sign-in.md says",
            level="open",
        )


async def examine_people(store: Store, settings: Settings) -> AsyncIterator[Finding]:
    """Every finding about the roles and blocks on record, in numbers."""
    known = await AdministrationLog(store, SystemClock()).read()
    record = known.record
    holding = [one for one in record.grants if one.holds(known.now)]
    what = f"{counted(len(holding), 'grant')} on record, {counted(len(record.blocks), 'person')} blocked"
    if ended := len(record.grants) - len(holding):
        what += f"; {counted(ended, 'grant')} ended by the date that was set"
    yield Finding(about="roles", what=what)
    administrators = [one for one in holding if one.role == "administrator" and not record.block(one.person)]
    if not administrators:
        yield _no_administrator(record, settings)
    elif all(one.basis == "settings" for one in administrators):
        yield Finding(
            about="roles",
            what=f"{counted(len(administrators), 'administrator')} on record, named by ROLLTOP_ADMINISTRATORS alone",
            to_do="let them grant the role to a further person on the page People & roles, so that the setting can go",
            level="open",
        )
    elif len(administrators) == 1:
        yield Finding(
            about="roles",
            what="1 administrator on record, and nobody to stand in for them",
            to_do="grant the role to a second person on the page People & roles",
            level="open",
        )


def _way(settings: SignInSettings) -> str:
    if settings.oidc:
        return f"with OpenID Connect, by {counted(len(settings.oidc.providers), 'provider')}"
    if settings.proxy:
        return "by the headers of a proxy"
    if settings.sign_in.own:
        return f"a sign-in of your own, {settings.sign_in.own}"
    return "the development sign-in: a visitor chooses a sample person, over a demo only"


def _no_administrator(record: AdministrationRecord, settings: Settings) -> Finding:
    new = [person for person in settings.administrators if person not in record.installed]
    if new:
        what = "no administrator on record yet: the next start of a desk makes those that ROLLTOP_ADMINISTRATORS names"
        return Finding(about="roles", what=what)
    how = "name one in ROLLTOP_ADMINISTRATORS" + ("" if record.grants else ", or use `rolltop grant --first`")
    return Finding(
        about="roles",
        what="no administrator on record; a role that the sign-in gives is not on record",
        to_do=f"{how}, as docs/operating.md says",
        level="open",
    )
