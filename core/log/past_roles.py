"""What a person was granted and when they were blocked, from the log of what was decided: also what has ended since."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from core.clock import iso
from core.gate import Role
from core.log.administration import block_of, grant_of
from core.log.facts import PersonBlocked, PersonUnblocked, RoleEnded, RoleGranted, fact
from core.log.records import Block, RoleGrant
from core.values import Account, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a grant or a block ended.

    `taken`: an administrator ended it. `replaced`: the same role was granted anew. `passed`: its time was over, so that
    `by` and `account` are None. `why` is None for that too, and once erased.
    """

    how: Literal["taken", "replaced", "passed"]
    at: str
    by: str | None = None
    why: str | None = None
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRole:
    """A grant, or a block, and its end; None while it holds."""

    began: RoleGrant | Block
    end: Ending | None


@dataclass(slots=True)
class _Open:
    """The person's grants and their block that have not ended so far, and those that have, in the order they began."""

    began: list[RoleGrant | Block] = field(default_factory=list)
    ends: dict[int, Ending] = field(default_factory=dict)
    open: dict[Role | None, int] = field(default_factory=dict)

    def begin(self, of: Role | None, began: RoleGrant | Block) -> None:
        self.open[of] = len(self.began)
        self.began.append(began)

    def close(self, of: Role | None, end: Ending) -> None:
        place = self.open.pop(of, None)
        if place is None:
            return
        began = self.began[place]
        if isinstance(began, RoleGrant) and began.ends_at and began.ends_at <= end.at:
            end = Ending(how="passed", at=began.ends_at)
        self.ends[place] = end


async def past_roles(log: AsyncIterator[Sequence[Entry]], person: str, now: datetime) -> list[PastRole]:
    """The person's grants and blocks in the order in which they began. `log` gives the entries, page by page."""
    seen = _Open()
    async for entries in log:
        for entry in entries:
            if entry.shell.get("person") == person:
                _take(seen, entry)
    for of in list(seen.open):
        began = seen.began[seen.open[of]]
        if isinstance(began, RoleGrant) and not began.holds(now):
            seen.close(of, Ending(how="passed", at=iso(now)))
    return [PastRole(began=began, end=seen.ends.get(place)) for place, began in enumerate(seen.began)]


def _take(seen: _Open, entry: Entry) -> None:
    match fact(entry):
        case RoleGranted() as granted:
            seen.close(granted.role, _end("replaced", entry, granted))
            seen.begin(granted.role, grant_of(entry, granted))
        case RoleEnded() as ended:
            seen.close(ended.role, _end("taken", entry, ended))
        case PersonBlocked() as blocked:
            seen.begin(None, block_of(entry, blocked))
        case PersonUnblocked() as unblocked:
            seen.close(None, _end("taken", entry, unblocked))


def _end(how: Literal["taken", "replaced"], entry: Entry, said: RoleGranted | RoleEnded | PersonUnblocked) -> Ending:
    why = said.content.reason if said.content else None
    return Ending(how=how, at=iso(entry.at), by=entry.by, why=why, account=said.account)
