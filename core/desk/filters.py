"""What threads, tool calls and looks may be filtered by. An empty field is left out; several values of one mean any.

A filter raises InvalidInput for a person's id that no viewer can have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from core.arguments import check_fields
from core.canonical import Json
from core.clock import iso
from core.errors import InvalidInput
from core.gate import Action, Owned
from core.ids import check_user_id
from core.log.records import filter_text
from core.store import All, Filter, In, Range
from core.values import CallStatus, Decider, Effect, Outcome, Verdict

WAITING: tuple[CallStatus, ...] = ("awaiting_approval", "deferred")
"""The statuses of a call on which a person has to decide; some deferred calls wait no more."""

CALL_PATHS = {"tools": "tool", "statuses": "status", "effects": "effect", "approvals": "approval"}
"""Fields of CallFilter that mean any of their values, and the paths in a call's record."""

Judged: TypeAlias = Verdict | Literal["none"]
"""A verdict that a thread's answers have, or `none`: they have no verdict yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadFilter:
    """Threads whose last activity is at `since` or later and before `until`, and that pass all the other fields.

    With `words`, the times are those of a message that has all the words. `owner` is a person's id: naming a person is
    a look of its own. `tools` and `call_statuses` together mean a call of such a tool with such a status. `handbooks`
    are ids of cited documents. `metadata` maps fields (`a.b` for a field within a field) to their values, and all must
    match.
    """

    words: str = ""
    owner: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcomes: tuple[Outcome, ...] = ()
    tools: tuple[str, ...] = ()
    call_statuses: tuple[CallStatus, ...] = ()
    handbooks: tuple[str, ...] = ()
    ratings: tuple[Literal["up", "down"], ...] = ()
    models: tuple[str, ...] = ()
    verdicts: tuple[Judged, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "owner", _person(self.owner))

    @property
    def narrowed(self) -> bool:
        """Whether it filters by more than time: then sealed threads are left out."""
        # A filter that a sealed thread could pass would tell what is in it.
        return bool(self.words.strip() or self.verdicts or self.head())

    @property
    def countable(self) -> bool:
        """Whether heads alone tell which threads match. Words are in messages, and verdicts in reviews."""
        return not (self.words.strip() or self.verdicts)

    def head(self) -> dict[str, Filter]:
        """The filters on a thread's head, but for those on its time."""
        where: dict[str, Filter] = {"owner": self.owner} if self.owner else {}
        for path, values in (
            ("outcomes", self.outcomes),
            ("tools", _tool_texts(self.tools, self.call_statuses)),
            ("handbooks", self.handbooks),
            ("ratings", self.ratings),
            ("models", self.models),
        ):
            if values:
                where[path] = In(tuple(values))
        if self.metadata:
            where["filters"] = _all_of(self.metadata)
        return where

    def listed(self) -> dict[str, Filter]:
        """The filters on the heads that a list shows."""
        sealed: dict[str, Filter] = {"sealed": None} if self.narrowed else {}
        return self.head() | between("updated_at", self.since, self.until) | sealed

    def recorded(self) -> dict[str, Json]:
        """The filters as the audit log holds them, without the words."""
        return _recorded(
            outcomes=self.outcomes,
            tools=self.tools,
            call_statuses=self.call_statuses,
            handbooks=self.handbooks,
            ratings=self.ratings,
            models=self.models,
            verdicts=self.verdicts,
            metadata=dict(self.metadata),
            since=_iso(self.since),
            until=_iso(self.until),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Tool calls planned at `since` or later and before `until` that pass all the other fields.

    `owner` is as in ThreadFilter. `about_other` True: calls about another person than the asker. `waiting` True: calls
    on which a person has to decide now. `unresolved` True: unknown calls on which a person has not said yet whether
    they took effect. `arguments` maps arguments that their tool has declared as filters to their values, and all must
    match.
    """

    tools: tuple[str, ...] = ()
    statuses: tuple[CallStatus, ...] = ()
    effects: tuple[Effect, ...] = ()
    approvals: tuple[Decider, ...] = ()
    owner: str | None = None
    about_other: bool | None = None
    waiting: bool = False
    unresolved: bool = False
    arguments: Mapping[str, Json] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "owner", _person(self.owner))

    def where(self) -> dict[str, Filter]:
        """The filters on a call's record."""
        where: dict[str, Filter] = {}
        for name, path in CALL_PATHS.items():
            if values := getattr(self, name):
                where[path] = values[0] if len(values) == 1 else In(tuple(values))
        if self.owner:
            where["owner"] = self.owner
        if self.about_other is not None:
            where["about_other"] = self.about_other
        if self.waiting:
            # The statuses tell nothing more, but are what stores keep an index of.
            where = {"status": In(WAITING), **where, "waits": True}
        if self.unresolved:
            where |= {"status": "unknown", "resolution": None}
        if self.arguments:
            where["filters"] = _all_of(self.arguments)
        return where | between("planned_at", self.since, self.until)

    def recorded(self) -> dict[str, Json]:
        """The filters as the audit log holds them."""
        return _recorded(
            list="calls",
            tools=self.tools,
            statuses=self.statuses,
            effects=self.effects,
            approvals=self.approvals,
            about_other=self.about_other,
            waiting=self.waiting or None,
            unresolved=self.unresolved or None,
            arguments=dict(self.arguments),
            since=_iso(self.since),
            until=_iso(self.until),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFilter:
    """Entries of the audit log at `since` or later and before `until` that pass all the other fields.

    `by` is the viewer, `owner` a person whose content was shown. `actions` are those of the gate. `denied` None means
    denials and all else.
    """

    by: str | None = None
    owner: str | None = None
    actions: tuple[Action, ...] = ()
    denied: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "by", _person(self.by))
        object.__setattr__(self, "owner", _person(self.owner))

    def where(self) -> dict[str, Filter]:
        """The filters on an entry's record."""
        where: dict[str, Filter] = {}
        for path, value in (("by", self.by), ("owners", self.owner), ("denied", self.denied)):
            if value is not None:
                where[path] = value
        if self.actions:
            where["action"] = In(tuple(self.actions))
        return where | between("at", self.since, self.until)

    def recorded(self) -> dict[str, Json]:
        """The filters as the audit log holds them, without the person."""
        return _recorded(
            by=self.by,
            actions=self.actions,
            denied=self.denied,
            since=_iso(self.since),
            until=_iso(self.until),
        )


def person_named(owner: str | None) -> Owned | None:
    """The person that a filter names: then the look is one at that person."""
    return Owned(kind="person", id=owner, owner=owner) if owner is not None else None


def between(path: str, since: datetime | None, until: datetime | None) -> dict[str, Filter]:
    """The filter on a time: at `since` or later, before `until`; {} if both are None."""
    return {path: Range(ge=_iso(since), lt=_iso(until))} if since or until else {}


def _person(user_id: str | None) -> str | None:
    return check_user_id(user_id, "person's id") if user_id is not None else None


def _tool_texts(tools: tuple[str, ...], statuses: tuple[CallStatus, ...]) -> tuple[str, ...]:
    """The texts of `Thread.tools` that these mean."""
    if not statuses:
        return tools
    return tuple(f"{tool}:{status}" for tool in tools or ("",) for status in statuses)


def _all_of(values: Mapping[str, Json]) -> All:
    texts = [filter_text(name, value) for name, value in values.items()]
    if None in texts:
        raise InvalidInput("a field is filtered by a text, a number or a bool, of at most 200 characters with its name")
    return All(tuple(texts))


def _recorded(**filters: Json) -> dict[str, Json]:
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in filters.items()}
    return {name: value for name, value in given.items() if value not in (None, [], {})}


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
