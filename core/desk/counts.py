"""Counts beside the choices of a list, and figures per tool: by tallies alone, and without what is sealed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

from core.desk.filters import CALL_PATHS, CallFilter, ThreadFilter
from core.desk.lists import Lists
from core.desk.tallies import by_key, size
from core.log.buckets import percentile
from core.log.records import ToolCall
from core.store import Filter, In, Query, Store
from core.values import FAILED_CALL

ThreadFacet: TypeAlias = Literal["outcomes", "tools", "call_statuses", "handbooks", "ratings", "models"]
CallFacet: TypeAlias = Literal["tools", "statuses", "effects", "approvals"]
AnyOf: TypeAlias = tuple[str, ...]
"""What one choice of a facet stands for: any of these values."""

ThreadChoices: TypeAlias = Mapping[ThreadFacet, Sequence[AnyOf]]
# Facets alone, because the choices are not on record as filters are: a count by person would be a look at that person.
CallChoices: TypeAlias = Mapping[CallFacet, Sequence[AnyOf]]

F = TypeVar("F", ThreadFilter, CallFilter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`total` is how many match the filters.

    `facets` says for each choice how many would match if its facet were filtered by that choice alone, and by the other
    filters as they are.
    """

    total: int
    facets: Mapping[str, Mapping[AnyOf, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that failed, and when it was planned."""

    call: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFigures:
    """What became of a tool's calls.

    `errors` are the calls with a status of FAILED_CALL, `timed_out` among them. `unresolved` are unknown calls on which
    a person has not said yet whether they took effect; on the `waiting` ones a person has to decide now. `p50_ms` and
    `p95_ms` are at most 10 % too high, None if no call has ended.
    """

    tool: str
    calls: int
    succeeded: int
    errors: int
    timed_out: int
    denied: int
    unresolved: int
    waiting: int
    p50_ms: int | None
    p95_ms: int | None
    last_failure: Failure | None


async def count_threads(store: Store, wanted: ThreadFilter, among: ThreadChoices) -> Counts:
    """The counts of the threads that are not sealed. Words and verdicts in `wanted` are not heeded."""

    async def count(one: ThreadFilter) -> int:
        return size(await store.tally(Query(kind="thread", where={**one.listed(), "sealed": None}), ()))

    facets: dict[str, dict[AnyOf, int]] = {}
    for facet, choices in among.items():
        # One tally for each choice: these fields are lists, by whose items a store does not group.
        facets[facet] = {choice: await count(_with(wanted, facet, choice)) for choice in choices}
    return Counts(total=await count(wanted), facets=facets)


async def count_calls(lists: Lists, wanted: CallFilter, among: CallChoices) -> Counts:
    """The counts of the calls whose threads are not sealed."""
    facets: dict[str, dict[AnyOf, int]] = {}
    for facet, choices in among.items():
        groups = await lists.count_unsealed("tool_call", _with(wanted, facet, ()).where(), (CALL_PATHS[facet],))
        sizes = {group.key[0]: group.count for group in groups}
        facets[facet] = {choice: sum(sizes.get(value, 0) for value in choice) for choice in choices}
    return Counts(total=size(await lists.count_unsealed("tool_call", wanted.where())), facets=facets)


async def tool_figures(lists: Lists, since: datetime | None, until: datetime | None) -> tuple[ToolFigures, ...]:
    """The figures of each tool whose calls were planned in this time, by name; calls of sealed threads do not count."""
    planned = CallFilter(since=since, until=until).where()
    unknown = CallFilter(since=since, until=until, unresolved=True).where()
    waiting = CallFilter(since=since, until=until, waiting=True).where()
    statuses = by_key(await lists.count_unsealed("tool_call", planned, ("status", "tool")), 1)
    durations = by_key(await lists.count_unsealed("tool_call", planned, ("duration_bucket", "tool")), 1)
    unresolved = by_key(await lists.count_unsealed("tool_call", unknown, ("tool",)), 0)
    waiting_of = by_key(await lists.count_unsealed("tool_call", waiting, ("tool",)), 0)
    figures = []
    for tool, groups in sorted(statuses.items(), key=lambda one: str(one[0])):
        sizes = Counter({group.key[0]: group.count for group in groups})
        errors = sum(sizes[status] for status in FAILED_CALL)
        figures.append(
            ToolFigures(
                tool=str(tool),
                calls=sizes.total(),
                succeeded=sizes["succeeded"],
                errors=errors,
                timed_out=sizes["timed_out"],
                denied=sizes["denied"],
                unresolved=size(unresolved.get(tool, ())),
                waiting=size(waiting_of.get(tool, ())),
                p50_ms=percentile(durations.get(tool, ()), 0.5),
                p95_ms=percentile(durations.get(tool, ()), 0.95),
                last_failure=await _last_failure(lists, {**planned, "tool": tool}) if errors else None,
            )
        )
    return tuple(figures)


async def _last_failure(lists: Lists, where: Mapping[str, Filter]) -> Failure | None:
    failed = {**where, "status": In(FAILED_CALL)}
    newest = await lists.unsealed(ToolCall, failed, order=("-planned_at",), limit=1)
    return next((Failure(call=call.id, at=call.planned_at) for call in newest.items), None)


def _with(wanted: F, facet: str, values: AnyOf) -> F:
    changes: dict[str, Any] = {facet: values}  # Any: a field of the filter
    return replace(wanted, **changes)
