"""What the page Ask HR does for its viewer: it puts questions and decisions on record, and says so if that failed.

The page draws what is on record, so these methods return what was refused at most.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, TypeAlias
from uuid import uuid4

import streamlit as st

from backends.handbooks.service import Handbooks
from console.caller import Caller
from console.drawing.ai_notice import NOTICE
from console.drawing.spoken import follow, say
from console.drawing.text import label
from console.drawing.troubles import REFUSALS, why_refused
from console.tool_words import Preview, what_it_would_do
from console.waiting import MOST, WaitingQuestion, WaitingQuestions
from core.canonical import Json
from core.desk.desk import Desk
from core.desk.evidence import Produced
from core.errors import InvalidInput, RequestMismatch, TurnInProgress
from core.live.events import Event
from core.log.records import DeferredCall, ToolCall, Turn
from core.values import Attached, CareCard, Dislike, Passage, Shelf

Deed: TypeAlias = Literal["rename", "erase"]
"""What is done with a thread in two steps."""


class Asking:
    """The deeds of one viewer on the page in this run of it. `thread` is the id of the thread that is shown, if any.

    The URL holds the thread, so that a reload and a link show the same.
    """

    def __init__(self, caller: Caller, desk: Desk, handbooks: Handbooks) -> None:
        self.viewer = caller.viewer
        self.desk = desk
        self.run = caller.run
        self._stream = caller.stream
        self._handbooks = handbooks
        self._state = st.session_state
        self._request_id: str = self._state.setdefault("chat_request_id", uuid4().hex)

    @property
    def thread(self) -> str | None:
        return st.query_params.get("thread")

    def open_thread(self, thread_id: str | None, at: str | None = None) -> None:
        """Show the thread, from this turn on or its newest turns; None shows an empty one."""
        st.query_params.from_dict({"thread": thread_id} if thread_id else {})
        self.leave()
        self.go(at=at)

    @property
    def place(self) -> tuple[int | None, str | None]:
        """The turns that are shown: those before an entry, or from a turn on; the newest ones without either."""
        of, before, at = self._state.get("chat_place", (self.thread, None, None))
        return (before, at) if of == self.thread else (None, None)

    def go(self, before: int | None = None, at: str | None = None) -> None:
        """Show the turns before this entry, or from this turn on; the newest ones without either."""
        self._state.chat_place = (self.thread, before, at)

    def draw_notice(self) -> None:
        """What was not done, since the last run."""
        if "chat_notice" in self._state:
            st.warning(label(self._state.pop("chat_notice"), 300), icon=":material/error:")

    @property
    def waiting(self) -> WaitingQuestions:
        """The questions that wait for the end of the thread's open turn."""
        return WaitingQuestions(self.thread)

    def ask_below(self, text: str) -> None:
        """Ask what is in the box; during a turn it waits for the end of it.

        If it is not put on record, it goes back into the box, with the reason above it.
        """
        try:
            if not self.waiting.all:
                self._ask(text, self._request_id)
            elif not self._wait(text):
                self._give_back(text, f"{MOST} questions wait already.")
        except TurnInProgress:
            self._wait(text)
        except REFUSALS as error:
            self._give_back(text, why_refused(error))

    def _wait(self, text: str) -> bool:
        self._state.chat_request_id = uuid4().hex
        return self.waiting.add(WaitingQuestion(text, self._request_id))

    def _give_back(self, text: str, why: str) -> None:
        self._state.chat = text
        self._refuse(f"{why} Your question is still in the box.")

    def _refuse(self, why: str) -> None:
        self._state.chat_notice = f"Not saved: {why}"
        say("Sending failed", uuid4().hex)

    def ask_waiting(self) -> bool:
        """Ask the first question that waits; it goes on waiting if it is not put on record. True if a turn is open."""
        if not (waiting := self.waiting.all):
            return False
        if self.run(self.desk.archive.thread(self.viewer, self.thread or "")).open:
            return True
        try:
            self._ask(waiting[0].text, waiting[0].request_id)
        except TurnInProgress:  # another tab has asked meanwhile
            return True
        except REFUSALS as error:
            self._refuse(why_refused(error))
        else:
            self.waiting.remove(waiting[0].request_id)
        return False

    def remove_waiting(self, request_id: str) -> None:
        self.waiting.remove(request_id)

    def edit_waiting(self, question: WaitingQuestion) -> None:
        """Take the question back into the box, before what is typed there."""
        self.waiting.remove(question.request_id)
        self._state.chat_edited = {"id": question.request_id, "text": question.text}

    def ask_again(self, text: str, replaces: str | None) -> None:
        """Ask what is shown on the page already. A form stays open with its text if it is not put on record."""
        try:
            self._ask(text, self._request_id, replaces)
        except REFUSALS as error:
            self._refuse(why_refused(error))
        else:
            self.edit(None)

    @property
    def edited(self) -> str | None:
        """The turn whose question is open in a form."""
        edited: str | None = self._state.get("chat_edit")
        return edited

    def edit(self, turn_id: str | None) -> None:
        """Open the form for the question of this turn; None closes it."""
        self._state.chat_edit = turn_id

    def show(self, turn_id: str) -> None:
        """Show this version, with what followed it when it was left."""
        with self._saying("Not shown"):
            self.run(self.desk.show(self.viewer, turn_id))
            self.go(at=turn_id)

    def decide(
        self,
        call: ToolCall,
        outcome: Literal["approve", "deny"],
        changed: Mapping[str, Json] | None,
        reason: str | None,
    ) -> str | None:
        """Decide on the call, with `changed` arguments if they are given. Returns what of these was refused."""
        with self._saying("Not saved"):
            try:
                # The digest is that of the arguments on the card: if they have changed since, core refuses.
                made = self.desk.decide(self.viewer, call.id, outcome, call.digest, arguments=changed, reason=reason)
                follow(self.run(made).turn)
            except InvalidInput as error:
                if changed is None:
                    raise
                return str(error)
        return None

    def preview(self, call: ToolCall) -> Preview | None:
        """What the viewer's own call would do now; None if that cannot be said."""
        return what_it_would_do(call.tool, self.viewer.id, self.viewer.country, call.planned)

    def withdraw(self, call: DeferredCall) -> None:
        with self._saying("Not withdrawn"):
            if self.run(self.desk.withdraw(self.viewer, call.call)).closed != "withdrawn":
                self._state.chat_notice = "Not withdrawn: the request was decided on, or has expired. See below it."

    def hand_over(self, turn: Turn, attached: Attached, note: str, again: int) -> None:
        """Send the matter of the turn to a person; a double click is the same request. `again` counts earlier ones."""
        with self._saying("Not sent"):
            request_id = f"click-{again}"
            self.run(self.desk.hand_over(self.viewer, turn.id, attach=attached, note=note, request_id=request_id))

    def stop(self, turn_id: str) -> None:
        with self._saying("Not stopped"):
            self.run(self.desk.stop(self.viewer, turn_id))

    def rate(
        self, turn_id: str, rating: Literal["up", "down"] | None, comment: str = "", dislike: Dislike | None = None
    ) -> None:
        with self._saying("Your rating was not saved"):
            self.run(self.desk.give_feedback(self.viewer, turn_id, rating, comment, dislike=dislike))

    def produced(self, turn_id: str) -> Produced | None:
        """What the turn ran with, as far as it is kept; None for an imported turn."""
        return self.run(self.desk.archive.produced(self.viewer, turn_id))

    @property
    def deed(self) -> tuple[Deed, str] | None:
        """What the viewer has begun to do with one of their threads, and its id."""
        deed: tuple[Deed, str] | None = self._state.get("chat_deed")
        return deed

    def begin(self, deed: Deed, thread_id: str) -> None:
        """Open what the deed needs to know, or to be agreed to."""
        self._state.chat_deed = (deed, thread_id)

    def leave(self) -> None:
        """Close it without doing it."""
        self._state.pop("chat_deed", None)

    def rename(self, thread_id: str, title: str) -> None:
        """The form stays open with its text if the title is not put on record."""
        with self._saying("Not renamed"):
            self.run(self.desk.rename(self.viewer, thread_id, title))
            self.leave()

    def shelve(self, thread_id: str, shelf: Shelf) -> None:
        with self._saying("Not moved"):
            self.run(self.desk.shelve(self.viewer, thread_id, shelf))

    def ask_erasure(self, thread_id: str) -> None:
        self.leave()
        with self._saying("Erasure not asked for"):
            self.run(self.desk.ask_erasure(self.viewer, thread_id))

    def withdraw_erasure(self, thread_id: str) -> None:
        """Take a request for erasure back."""
        with self._saying("The request for erasure was not taken back"):
            self.run(self.desk.withdraw_erasure(self.viewer, thread_id))

    def follow(self, turn_id: str) -> AbstractContextManager[Iterator[Event]]:
        return self._stream(self.desk.follow(self.viewer, turn_id))

    def section(self, passage: Passage) -> Sequence[Passage]:
        """The passages around this one, in order; [] if they are gone."""
        return self.run(self._handbooks.section(self.viewer, passage))

    def named_section(self, card: CareCard) -> Sequence[Passage]:
        """The handbook's section that a care card names."""
        return self.run(self._handbooks.named_section(self.viewer, card.document or "", card.section))

    @property
    def acknowledged(self) -> bool:
        """Whether the viewer has acknowledged the notice."""
        # On record it stays so: one read for each session.
        if self._state.get("chat_acknowledged") != NOTICE:
            person = self.run(self.desk.archive.person(self.viewer))
            self._state.chat_acknowledged = person and person.notice
        return bool(self._state.chat_acknowledged == NOTICE)

    def acknowledge(self) -> None:
        with self._saying("Not saved"):
            self.run(self.desk.acknowledge(self.viewer, NOTICE))

    def _ask(self, text: str, request_id: str, replaces: str | None = None) -> None:
        """Put the question on record, in the place of the turn `replaces` if there is one. Raises REFUSALS.

        A second click brings the same `request_id` and is the same question.
        """
        try:
            if self.thread is None:
                st.query_params["thread"] = self.run(self.desk.create_thread(self.viewer)).id
            asked = self.desk.submit(self.viewer, self.thread or "", text, request_id=request_id, replaces=replaces)
            # Here too, and not only once it is drawn: a quick turn has ended before that.
            follow(self.run(asked).id)
        except RequestMismatch:
            # The last question is on record, and its script ended before it could renew the id.
            self._ask(text, uuid4().hex, replaces)
        else:
            self.go()
            self._state.chat_request_id = uuid4().hex

    @contextmanager
    def _saying(self, what_failed: str) -> Iterator[None]:
        """If this fails, say so above the box."""
        try:
            yield
        except REFUSALS as error:
            self._state.chat_notice = f"{what_failed}: {why_refused(error)}"
