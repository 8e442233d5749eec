"""The head of a thread."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.clock import Time
from core.log.records.open_turn import OpenDeferred, OpenTurn
from core.log.records.totals import Totals
from core.values import Outcome, TurnStatus, Value, shortened

MAX_DISTINCT = 200
"""The most tools, handbooks and models that a head names; further ones are left out."""


class Thread(Value):
    """A thread's head, from which every operation starts. `hash` is that of entry n; `status` is the newest turn's.

    `title` None: the first question will give it. `open` is the open turn, None between turns. `rejected` counts the
    entries of an outdated fence, which had no effect; a count above 0 is an alarm.

    `last` is the newest turn of the branch that is shown, None before the first turn; `hidden` is what that branch
    leaves out (`core.log.branches`). `acted` is the first entry of the thread's newest turn with a call that acted, on
    whatever branch, else 0.
    `deferred` are the calls that wait for an approver, or for the turn that reports the decision. `outside_history`: an
    imported turn has results of tools as in `TurnImported`, which later turns are sent, until they are erased.

    `sealed`: auditors do not see the thread; None if it is open to them. `topic` is that of the newest concern, None
    without one or once erased.

    `updated_at` is the time of the newest entry that is more than housekeeping, such as a new title or an erasure.

    `shelf` is where the owner's list shows it, None among the others. `text` is the title if it was given to the
    thread, else None: then the title is the beginning of a question.

    `erase_due` is when its content will be erased because the owner asks for that, None without such a request;
    `erasing`: that is going on, and the request cannot be taken back. `erased_upto` is the last entry whose content was
    erased for that reason, else 0. `erase_asked` is when the owner asked last, None without a request and after it was
    taken back; `erased_at` is when the last request was carried out.

    `outcome_counts` and `rating_counts` count the ended turns; `outcomes` and `ratings` name the different ones, the
    open turn's outcome included. `tools` holds, for each call of an ended turn, `name`, `name:status` and `:status`;
    `handbooks` the ids of the cited documents, `models` the models that answered. `filters` are the metadata as
    `name=value` (see `filter_text`). All are sorted and without repeats. `fold` is the version of the fold that made
    the thread's records, None before there were versions.
    """

    kind: Literal["thread"] = "thread"
    id: str
    n: int
    hash: str
    owner: str
    title: str | None
    metadata: dict[str, Json]
    instructions: str
    created_at: str
    updated_at: str
    status: TurnStatus | None = None
    turns: int = 0
    totals: Totals = Field(default_factory=Totals)
    open: OpenTurn | None = None
    rejected: int = 0
    last: str | None = None
    hidden: list[tuple[int, int]] = Field(default_factory=list)
    acted: int = 0
    deferred: list[OpenDeferred] = Field(default_factory=list)
    outside_history: bool = False
    # None and not False: a filter for None also finds the heads that were written before threads had seals.
    sealed: Literal[True] | None = None
    topic: str | None = None
    # None and not "listed", for the same reason.
    shelf: Literal["pinned", "archived"] | None = None
    text: str | None = None
    erase_due: str | None = None
    erase_asked: str | None = None
    erased_upto: int = 0
    erasing: bool = False
    erased_at: str | None = None
    outcomes: list[Outcome] = Field(default_factory=list)
    outcome_counts: dict[Outcome, int] = Field(default_factory=dict)
    ratings: list[Literal["up", "down"]] = Field(default_factory=list)
    rating_counts: dict[Literal["up", "down"], int] = Field(default_factory=dict)
    tools: list[str] = Field(default_factory=list)
    handbooks: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    filters: list[str] = Field(default_factory=list)
    fold: int | None = None

    created_time: ClassVar = Time[datetime]("created_at")
    updated_time: ClassVar = Time[datetime]("updated_at")
    erase_due_time: ClassVar = Time[datetime | None]("erase_due")
    erase_asked_time: ClassVar = Time[datetime | None]("erase_asked")
    erased_time: ClassVar = Time[datetime | None]("erased_at")

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        yield from {"id": self.id, "owner": self.owner, "title": shortened(self.title)}.items()
        yield from {"status": self.status, "turns": self.turns}.items()

    @property
    def named(self) -> bool:
        """Whether the thread was given its title, and not by its first question."""
        return self.text is not None

    def waiting_for(self, call: str) -> OpenDeferred | None:
        """The deferred call of this id that is not reported yet, decided or not; None if there is none."""
        return next((one for one in self.deferred if one.call == call), None)
