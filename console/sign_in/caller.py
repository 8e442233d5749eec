"""The caller of a page: who they are by now, and their way into the desk, which checks each call.

A page keeps its viewer from its run until the click that follows, perhaps for hours. Meanwhile a role may have been
taken away, or the person blocked, in another process as well. So a call first looks whether its viewer still holds.
"""

from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from console.app import App, app, start
from console.sign_in import tab
from console.sign_in.identity import Identity
from console.sign_in.way import way
from core.canonical import Json
from core.errors import Blocked, Corrupt, Denied, InvalidInput, RunnerError, StoreRefused, Unavailable
from core.gate import Viewer

T = TypeVar("T")


class Caller:
    """The person of a page, as `viewer`, for this run of the page and for the click that ends it.

    `lost` are the roles that the person had in this session and has no longer. `run` and `stream` are those of the
    Runner, and the only way of a page into the desk. They do nothing once the viewer has lost a role or is blocked: the
    page runs anew instead, also from within a callback or a fragment, with what is left to the person. Outside of a
    page, as for a download that is made later, they raise Denied or Blocked.
    """

    def __init__(self, viewer: Viewer, identity: Identity, app: App, lost: frozenset[str] = frozenset()) -> None:
        self.viewer, self.identity, self.lost = viewer, identity, lost
        self._app = app

    def run(self, awaitable: Coroutine[Json, Json, T]) -> T:
        """Run the coroutine in the desk's loop; return its result or raise its error."""

        async def checked() -> T:
            try:
                await self._confirm()
            except BaseException:
                awaitable.close()  # else Python warns of a coroutine that was never awaited
                raise
            return await awaitable

        with self._anew():
            try:
                return self._app.run(checked())
            except RunnerError:
                awaitable.close()
                raise

    @contextmanager
    def stream(self, generator: AsyncGenerator[T, None]) -> Iterator[Iterator[T]]:
        """The generator's items, in order, until the viewer no longer holds; leaving the block closes the generator."""

        async def checked() -> AsyncGenerator[T, None]:
            async with aclosing(generator):
                await self._confirm()
                async for item in generator:
                    # At each item: within a second this costs no read of the store.
                    await self._confirm()
                    yield item

        with self._anew(), self._app.stream(checked()) as items:
            yield items

    async def _confirm(self) -> None:
        claimed = self.identity.roles
        await self._app.desk.administration.confirm(self.viewer, claimed=claimed)

    @contextmanager
    def _anew(self) -> Iterator[None]:
        """Run the page anew if the person may do less than this run of it goes by."""
        try:
            yield
        except Denied as error:
            if error.action == "desk.use" and get_script_run_ctx(suppress_warning=True):
                st.session_state.si_refused = True
                st.rerun()
            raise


def viewer_of(identity: Identity, purpose: str | None = None) -> Viewer:
    """This person as a viewer, for one call: with the roles of their claims, and those that they were granted.

    Raises Blocked for a blocked person, and what `app` or the store raises if either does not answer.
    """
    wanted = app().desk.administration.viewer(
        identity.user_id,
        claimed=identity.roles,
        country=identity.country,
        entity=identity.entity,
        purpose=purpose,
    )
    return app().run(wanted)


def signed_in() -> Caller | None:
    """The caller of this session, None before the sign-in.

    If the store does not answer, the caller has the roles of the run before, or else those that they claim: perhaps
    none. Raises InvalidInput, in words for the visitor, if nobody can sign in here, or the person who did is blocked or
    has no role.
    """
    identity = tab.person()
    if identity is None:
        return None
    state, purpose, started = st.session_state, tab.purpose(identity), start()
    answers = started.failure is None
    if answers:
        try:
            viewer = viewer_of(identity, purpose)
        except Blocked:
            raise InvalidInput(
                f"You are signed in as {identity.user_id}, and an administrator has blocked you here. What you have "
                f"asked already goes on, and stays on record. Ask {way().whom_to_ask}."
            ) from None
        except (Unavailable, StoreRefused, Corrupt):
            answers = False
    if not answers:
        # The menu stays as it was. The calls of the page are checked too, and say what is wrong.
        roles: frozenset[str] = state.get("si_roles", identity.roles)
        return Caller(Viewer(identity.user_id, roles, purpose, identity.country, identity.entity), identity, started)
    before: frozenset[str] = state.get("si_roles", frozenset())
    state.si_roles = viewer.roles
    state.si_lost = (state.get("si_lost", frozenset()) | before) - viewer.roles
    if not viewer.roles:
        when = "any more" if state.si_lost else "yet"
        raise InvalidInput(f"You are signed in as {viewer.id}, and have no role here {when}. Ask {way().whom_to_ask}.")
    return Caller(viewer, identity, started, state.si_lost)


def current_caller() -> Caller:
    """The caller of a page. Raises Denied if this session is not signed in."""
    caller = signed_in()
    if caller is None:
        raise Denied("page.open")
    return caller
