"""The caller of a page: the person, and their way into the desk, which checks each call.

A page keeps its viewer from its run until the click that follows, perhaps for hours. Meanwhile a role may have been
taken away, or the person blocked, in another process as well. So a call first looks whether its viewer still holds.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from console.sign_in.identity import Identity
from core.canonical import Json
from core.desk.runner import Runner
from core.errors import Denied, RunnerError
from core.gate import Viewer

T = TypeVar("T")


class Caller:
    """The person of a page, as `viewer`, for this run of the page and for the click that ends it.

    `lost` are the roles that the person had in this session and has no longer. `run` and `stream` are those of the
    Runner, and the only way of a page into the desk. They await `confirm` first, which raises Denied or Blocked if the
    viewer no longer holds: then nothing is run, and the page runs anew with what is left to the person, from a callback
    or a fragment, too. Outside of a page, as for a download that is made later, the error is raised.
    """

    def __init__(
        self,
        viewer: Viewer,
        identity: Identity,
        lost: frozenset[str],
        runner: Runner,
        confirm: Callable[[], Awaitable[None]],
        is_signed_in: Callable[[], bool] = lambda: True,
    ) -> None:
        self.viewer, self.identity, self.lost = viewer, identity, lost
        self._runner, self._confirm, self._is_signed_in = runner, confirm, is_signed_in

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
                self._check_tab()
                return self._runner.run(checked())
            except (Denied, RunnerError):
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

        with self._anew():
            self._check_tab()
            with self._runner.stream(checked()) as items:
                yield items

    def _check_tab(self) -> None:
        # A tab that connects again goes on with its session, and with the callbacks and fragments of the person before,
        # also if another person has signed in with this browser meanwhile.
        if get_script_run_ctx(suppress_warning=True) and not self._is_signed_in():
            raise Denied("desk.use")

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
