"""Stores that are wrong on purpose, each in one way, and the one test of the suite that must notice.

`test_wrong_stores.py` runs that test over each. They break the memory store, which is right, in a method or two.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import anyio.lowlevel
import pytest

from backends.stores import matching
from backends.stores.memory import MemoryStore, _Stream
from backends.stores.suite import *  # noqa: F403 # the suite's tests and fixtures
from core.canonical import Json
from core.errors import Conflict, Full, InvalidInput, Unavailable
from core.store import All, In, Page, Query, Range, Record, Store, Tally
from core.values import Entry


def changed(value: Json, change: Any) -> Json:
    """The JSON value with each of its scalars changed."""
    if isinstance(value, dict):
        return {key: changed(item, change) for key, item in value.items()}
    return [changed(item, change) for item in value] if isinstance(value, list) else change(value)


class LastWriterWins(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        try:
            await super().commit(stream, after, entries, records, id=id)
        except Conflict:
            log = self._streams[stream]
            del log.entries[after:]
            log.starts[:] = [n for n in log.starts if n <= after]
            await super().commit(stream, after, entries, records, id=id)


class SkipsAnEntryOnRead(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        return [entry for entry in await super().read(stream, after, limit) if entry.n != 1000]


class MendsTheChain(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        entries = await super().read(stream, after, limit)
        before = self._streams[stream].entries[: after + len(entries)] if entries else []
        return [replace(entry, prev=before[entry.n - 2].hash) if entry.n > 1 else entry for entry in entries]


class CutsCommits(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        return (await super().read(stream, after, limit))[:limit]


class ReadsEverything(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        await super().read(stream, after, limit)
        return await super().read(stream, after, 10**9)


class CallsARepeatAConflict(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        if entries and stream in self._streams and after < len(self._streams[stream].entries):
            raise Conflict(stream, after)
        await super().commit(stream, after, entries, records, id=id)


class KnowsOnlyTheLastCommit(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        await super().commit(stream, after, entries, records, id=id)
        if entries:
            self._streams[stream].ids = {after + 1: id}


class TakesAnyCommitForARepeat(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        with suppress(Conflict):
            await super().commit(stream, after, entries, records, id=id)


class ComparesEntriesNotIds(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        try:
            await super().commit(stream, after, entries, records, id=id)
        except Conflict:
            there = await self.read(stream, after, len(entries))
            if [entry.hash for entry in there] != [entry.hash for entry in entries]:
                raise


class KnowsCommitsAcrossStreams(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        if not any(id in log.ids.values() for name, log in self._streams.items() if name != stream):
            await super().commit(stream, after, entries, records, id=id)


class RevivesWhatWasErased(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        await super().commit(stream, after, entries, records, id=id)
        self._streams[stream].entries[after : after + len(entries)] = entries


class TakesACommitBeyondTheEnd(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        try:
            await super().commit(stream, after, entries, records, id=id)
        except InvalidInput as error:
            if "ends at" not in str(error):
                raise
            self._streams.setdefault(stream, _Stream()).entries += entries


class WritesEntryByEntry(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        for n, entry in enumerate(entries, after):
            await super().commit(stream, n, [entry], id=id)
        await super().commit(stream, after + len(entries), [], records, id=id)


class WritesBeforeItChecks(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        await super().commit(stream, after, entries, id=id)
        await super().commit(stream, after + len(entries), [], records, id=id)


class TakesAnySize(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        try:
            await super().commit(stream, after, entries, records, id=id)
        except Full:
            small = [replace(entry, payload=None) for entry in entries]
            await super().commit(stream, after, small, id=id)
            self._streams[stream].entries[after:] = entries


class TakesOneMegabyte(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        if any(len(str(entry.payload)) > 2**20 for entry in entries):
            raise Full("more than a megabyte")
        await super().commit(stream, after, entries, records, id=id)


class TakesAnyCaseForOne(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        names = [name for name in self._streams if name.lower() == str(stream).lower()]
        return await super().read(names[0] if names else stream, after, limit)


class SortsByTime(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        return sorted(await super().read(stream, after, limit), key=lambda entry: entry.at)


class LosesMilliseconds(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        return [
            replace(entry, at=entry.at.replace(microsecond=0)) for entry in await super().read(stream, after, limit)
        ]


class LosesTheZone(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        return [replace(entry, at=entry.at.replace(tzinfo=None)) for entry in await super().read(stream, after, limit)]


class ChangesPayloads(MemoryStore):
    def change(self, value: Any) -> Any:
        raise NotImplementedError

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        read = await super().read(stream, after, limit)
        return [replace(entry, payload=changed(entry.payload, self.change)) for entry in read]


class TurnsFloatsIntoIntegers(ChangesPayloads):
    def change(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and abs(value) < 9 else value


class TurnsIntegersIntoFloats(ChangesPayloads):
    def change(self, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class DropsNul(ChangesPayloads):
    def change(self, value: Any) -> Any:
        return value.replace("\0", "") if isinstance(value, str) else value


class SharesWhatItWasGiven(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        await super().commit(stream, after, entries, records, id=id)
        if (
            entries
            and self._streams[stream].ids.get(after + 1) == id
            and not self._streams[stream].entries[after].erased
        ):
            self._streams[stream].entries[after : after + len(entries)] = entries

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        kept = {entry.n: entry for entry in self._streams[stream].entries} if stream in self._streams else {}
        return [kept[entry.n] for entry in await super().read(stream, after, limit)]


class TakesAnyName(MemoryStore):
    async def get(self, kind: str, id: str) -> Record | None:
        with suppress(InvalidInput, TypeError):
            return await super().get(kind, id)
        return None


class LetsRecordsGoBack(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        for record in records:
            if (known := self._records.get((record.kind, record.id))) is not None:
                self._records[record.kind, record.id] = replace(known, n=-1)
        await super().commit(stream, after, entries, records, id=id)


class WritesRecordsOfOneNTwice(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        await super().commit(stream, after, entries, records, id=id)
        await super().commit(stream, after, [], records, id=id)


class WritesRecordsOfALostRace(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        try:
            await super().commit(stream, after, entries, records, id=id)
        except Conflict:
            await super().commit(stream, after, [], records, id=id)
            raise


class SharesIdsBetweenKinds(MemoryStore):
    async def get(self, kind: str, id: str) -> Record | None:
        record = await super().get(kind, id)
        return record or next((one for (_, other), one in self._records.items() if other == id), None)


class StaysDirty(MemoryStore):
    def _of(self, query: Query) -> Iterator[Record]:
        for record in super()._of(query):
            yield replace(record, fields={"dirty": True}) if record.kind == "stream" else record


class ForgetsToListStreams(MemoryStore):
    def _of(self, query: Query) -> Iterator[Record]:
        return iter(()) if query.kind == "stream" else super()._of(query)


class ListsStreamsAsTheyBegan(MemoryStore):
    def _of(self, query: Query) -> Iterator[Record]:
        records = super()._of(query)
        return (replace(record, n=1) for record in records) if query.kind == "stream" else records


class LimitsBeforeItFilters(MemoryStore):
    async def find(self, query: Query) -> Page:
        page = await super().find(replace(query, where={}))
        return replace(page, records=[record for record in page.records if matching.matches(record, query)])


class PagesByOffset(MemoryStore):
    async def find(self, query: Query) -> Page:
        at = int(query.cursor or 0)
        everything = matching.page(self._of(query), replace(query, cursor=None, limit=500)).records
        more = len(everything) > at + query.limit
        return Page(records=everything[at : at + query.limit], cursor=str(at + query.limit) if more else None)


class TakesAnyCursor(MemoryStore):
    async def find(self, query: Query) -> Page:
        try:
            return await super().find(query)
        except InvalidInput:
            if query.cursor is None:
                raise
            return await super().find(replace(query, cursor=None))


class NeverSaysThatAPageIsTheLast(MemoryStore):
    async def find(self, query: Query) -> Page:
        page = await super().find(query)
        if page.records and page.cursor is None:
            last = page.records[-1]
            position = [matching.lookup(last, path) for path, _ in matching.directions(query)]
            return replace(page, cursor=matching.seal_cursor(query, position))
        return page


class PutsNullLast(MemoryStore):
    async def find(self, query: Query) -> Page:
        page = await super().find(query)
        if not query.order or query.order[0].startswith("-") or page.cursor or query.cursor:
            return page
        none = [record for record in page.records if matching.lookup(record, query.order[0]) is None]
        return replace(page, records=[record for record in page.records if record not in none] + none)


class BreaksTiesUpwards(MemoryStore):
    async def find(self, query: Query) -> Page:
        return await super().find(replace(query, order=(*query.order, "id") if query.order else ()))


class OrdersByCase(MemoryStore):
    def _of(self, query: Query) -> Iterator[Record]:
        for record in super()._of(query):
            name = record.fields.get("name")
            yield replace(record, fields={**record.fields, "name": name.lower()}) if isinstance(name, str) else record


class ChangesFields(MemoryStore):
    """Finds records as if their scalars were others."""

    def change(self, value: Any) -> Any:
        raise NotImplementedError

    def _of(self, query: Query) -> Iterator[Record]:
        for record in super()._of(query):
            yield replace(record, fields=changed(record.fields, self.change))


class TakesTrueForOne(ChangesFields):
    def change(self, value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value


class TakesNumbersForTexts(ChangesFields):
    def change(self, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class CountsWithDoubles(ChangesFields):
    def change(self, value: Any) -> Any:
        return int(float(value)) if isinstance(value, int) and not isinstance(value, bool) else value


class ChangesFilters(MemoryStore):
    """Finds records as if it had been asked for others."""

    def change(self, filter: Any) -> Any:
        raise NotImplementedError

    async def find(self, query: Query) -> Page:
        if query.cursor is not None:
            return await super().find(query)
        matching.check_query(query)
        return await super().find(
            replace(query, where={path: self.change(filter) for path, filter in query.where.items() if filter != "all"})
        )


class TakesNothingForAll(ChangesFilters):
    def change(self, filter: Any) -> Any:
        return Range(ge="") if filter == In(()) else filter


class TakesAnyForAll(ChangesFilters):
    def change(self, filter: Any) -> Any:
        return In(filter.values) if isinstance(filter, All) else filter


class TakesTheFirstForAll(ChangesFilters):
    def change(self, filter: Any) -> Any:
        return filter.values[0] if isinstance(filter, All) and filter.values else filter


class TakesAbsentForOther(ChangesFields):
    async def find(self, query: Query) -> Page:
        page = await MemoryStore.find(self, query)
        absent = [path for path, filter in query.where.items() if filter is None]
        return replace(page, records=[r for r in page.records if all(path in r.fields for path in absent)])

    def change(self, value: Any) -> Any:
        return value


class IncludesTheUpperBound(ChangesFilters):
    def change(self, filter: Any) -> Any:
        above = isinstance(filter, Range) and isinstance(filter.lt, int)
        return replace(filter, lt=filter.lt + 1) if above else filter


class OpensNoLists(MemoryStore):
    def _of(self, query: Query) -> Iterator[Record]:
        for record in super()._of(query):
            fields = {key: {} if isinstance(value, list) else value for key, value in record.fields.items()}
            yield replace(record, fields=fields)


class LetsAPathBeAnything(MemoryStore):
    async def find(self, query: Query) -> Page:
        with suppress(InvalidInput):
            return await super().find(query)
        return Page(records=[], cursor=None)


class ChangesWords(MemoryStore):
    def fits(self, record: Record, words: str) -> bool:
        raise NotImplementedError

    async def find(self, query: Query) -> Page:
        matching.check_query(query)
        records = [record for record in self._of(query) if self.fits(record, query.words)]
        page = matching.page(records, replace(query, words="") if query.cursor is None else query)
        last = page.records[-1:] if page.cursor else []
        positions = [[matching.lookup(one, path) for path, _ in matching.directions(query)] for one in last]
        return replace(page, cursor=matching.seal_cursor(query, positions[0]) if positions else None)


class FindsPartsOfWords(ChangesWords):
    def fits(self, record: Record, words: str) -> bool:
        text = " ".join(matching.text_words(record.fields))
        return all(word in text for word in matching.words(words))


class FindsWholeWordsOnly(ChangesWords):
    def fits(self, record: Record, words: str) -> bool:
        return set(matching.words(words)) <= set(matching.text_words(record.fields))


class LooksForWordsInTheNewest(MemoryStore):
    async def find(self, query: Query) -> Page:
        records = list(self._of(query))
        return matching.page(records[-20:] if query.words else records, query)


class FindsAnyWord(ChangesWords):
    def fits(self, record: Record, words: str) -> bool:
        wanted = matching.words(words)
        return not wanted or any(matching.has_words(record, [word]) for word in wanted)


class LowersInsteadOfFolding(ChangesWords):
    def fits(self, record: Record, words: str) -> bool:
        text = str(record.fields.get("text")).lower().split()
        return all(any(one.startswith(word) for one in text) for word in words.lower().split())


class CountsNoneAsNothing(MemoryStore):
    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        return [replace(tally, unknown=dict.fromkeys(sums, 0)) for tally in await super().tally(query, by, sums)]


class TalliesAPage(MemoryStore):
    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        matching.check_tally(query, by, sums)
        return matching.tally((await self.find(query)).records, query, by, sums)


class SumsIn64Bits(MemoryStore):
    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        tallies = await super().tally(query, by, sums)
        return [
            replace(tally, sums={path: (number + 2**63) % 2**64 - 2**63 for path, number in tally.sums.items()})
            for tally in tallies
        ]


class TalliesNumbersOfAnyKind(MemoryStore):
    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        def whole(value: Any) -> Any:
            return int(value) if isinstance(value, float | bool) else value

        matching.check_tally(query, by, sums)
        records = [replace(one, fields=changed(one.fields, whole)) for one in self._of(query)]
        return matching.tally(records, query, by, sums)


class GroupsByLists(MemoryStore):
    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        def text(value: Any) -> Any:
            return str(value) if isinstance(value, list) else value

        matching.check_tally(query, by, sums)
        records = [replace(r, fields={key: text(v) for key, v in r.fields.items()}) for r in self._of(query)]
        return matching.tally(records, query, by, sums)


class TalliesWholeListsOnly(OpensNoLists):
    async def find(self, query: Query) -> Page:
        return matching.page(MemoryStore._of(self, query), query)


class TalliesNothingAsZero(MemoryStore):
    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        tallies = await super().tally(query, by, sums)
        none = Tally(key=(), count=0, sums=dict.fromkeys(sums, 0), unknown=dict.fromkeys(sums, 0))
        return tallies or ([] if by else [none])


class ErasesOneAtATime(MemoryStore):
    erasing = False

    async def erase(self, stream: str, after: int = 0, upto: Any = None, kinds: Any = None, whole: bool = False) -> int:
        if self.erasing:
            return 0
        self.erasing = True
        try:
            return await super().erase(stream, after, upto, kinds, whole)
        finally:
            self.erasing = False


class ErasesShells(MemoryStore):
    async def erase(self, stream: str, after: int = 0, upto: Any = None, kinds: Any = None, whole: bool = False) -> int:
        erased = await super().erase(stream, after, upto, kinds, whole)
        if stream in self._streams:
            log = self._streams[stream]
            log.entries[:] = [entry for entry in log.entries if not entry.erased]
        return erased


class ErasesNothingButTheSalt(MemoryStore):
    async def erase(self, stream: str, after: int = 0, upto: Any = None, kinds: Any = None, whole: bool = False) -> int:
        before = await self.read(stream, 0, 10**6)
        erased = await super().erase(stream, after, upto, kinds, whole)
        if stream in self._streams:
            now = self._streams[stream].entries
            now[:] = [replace(entry, payload=old.payload) for entry, old in zip(now, before, strict=True)]
        return erased


class ErasesEveryKind(MemoryStore):
    async def erase(self, stream: str, after: int = 0, upto: Any = None, kinds: Any = None, whole: bool = False) -> int:
        return await super().erase(stream, after, upto, kinds or None, whole)


class ErasesOneTooFar(MemoryStore):
    async def erase(self, stream: str, after: int = 0, upto: Any = None, kinds: Any = None, whole: bool = False) -> int:
        return await super().erase(stream, after, upto and upto + 1, kinds, whole)


class ErasesThreadsWhole(MemoryStore):
    async def erase(self, stream: str, after: int = 0, upto: Any = None, kinds: Any = None, whole: bool = False) -> int:
        erased = await super().erase(stream, after, upto, kinds, whole and str(stream).startswith("live:"))
        if whole:
            self._streams.pop(stream, None)
        return erased


class TellsLocalTime(MemoryStore):
    async def now(self) -> datetime:
        return (await super().now()).replace(tzinfo=None) + timedelta(hours=1)


class AnswersWhenClosed(MemoryStore):
    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        try:
            return await super().read(stream, after, limit)
        except Unavailable:
            return []


class LosesItsPlaceWhenRacing(MemoryStore):
    async def commit(self, stream: str, after: int, entries: Any, records: Any = (), *, id: str) -> None:
        free = after == len(self._streams[stream].entries) if stream in self._streams else after == 0
        await anyio.lowlevel.checkpoint()
        if free:
            after = len(self._streams[stream].entries) if stream in self._streams else 0
            entries = [replace(entry, n=n) for n, entry in enumerate(entries, after + 1)]
        await super().commit(stream, after, entries, records, id=id)


CAUGHT_BY: dict[type[Store], str] = {
    LastWriterWins: "test_the_second_to_write_a_number_gets_a_conflict",
    SkipsAnEntryOnRead: "test_the_pages_of_a_long_log_are_dense",
    CutsCommits: "test_a_commit_is_read_whole",
    ReadsEverything: "test_a_limit_is_a_limit",
    CallsARepeatAConflict: "test_a_repeated_commit_is_a_success_that_changes_nothing",
    KnowsOnlyTheLastCommit: "test_a_repeated_commit_is_a_success_that_changes_nothing",
    TakesAnyCommitForARepeat: "test_of_eight_racers_one_wins_each_number",
    ComparesEntriesNotIds: "test_equal_entries_under_another_id_are_a_conflict",
    KnowsCommitsAcrossStreams: "test_a_commit_id_counts_only_where_its_commit_began",
    RevivesWhatWasErased: "test_a_repeat_does_not_revive_what_was_erased",
    TakesACommitBeyondTheEnd: "test_a_commit_beyond_the_end_is_refused",
    WritesEntryByEntry: "test_a_caller_who_leaves_leaves_no_half_write",
    WritesBeforeItChecks: "test_what_is_no_json_is_refused",
    TakesAnySize: "test_a_commit_of_one_byte_more_is_full_and_writes_nothing",
    TakesOneMegabyte: "test_a_commit_of_8_mb_is_taken",
    TakesAnyCaseForOne: "test_a_stream_holds_its_own_entries_only",
    SortsByTime: "test_order_is_by_number_whatever_the_clock_said",
    LosesMilliseconds: "test_times_keep_their_milliseconds",
    LosesTheZone: "test_times_keep_their_milliseconds",
    TurnsFloatsIntoIntegers: "test_a_payload_comes_back_byte_for_byte",
    TurnsIntegersIntoFloats: "test_a_payload_comes_back_byte_for_byte",
    MendsTheChain: "test_a_damaged_log_comes_back_as_it_was_given",
    DropsNul: "test_a_payload_comes_back_byte_for_byte",
    SharesWhatItWasGiven: "test_what_is_changed_outside_does_not_change_inside",
    TakesAnyName: "test_names_of_a_wrong_form_are_refused",
    LetsRecordsGoBack: "test_a_record_never_goes_back",
    WritesRecordsOfOneNTwice: "test_a_record_never_goes_back",
    WritesRecordsOfALostRace: "test_a_conflict_writes_no_records",
    SharesIdsBetweenKinds: "test_a_record_is_kept_under_kind_and_id",
    StaysDirty: "test_no_stream_is_dirty_once_its_records_are_written",
    ForgetsToListStreams: "test_streams_are_listed",
    ListsStreamsAsTheyBegan: "test_streams_are_listed",
    LimitsBeforeItFilters: "test_filters_come_before_the_limit",
    PagesByOffset: "test_pages_stay_put_while_records_come_in",
    TakesAnyCursor: "test_a_cursor_of_another_query_is_refused",
    NeverSaysThatAPageIsTheLast: "test_the_last_page_says_so",
    PutsNullLast: "test_order",
    BreaksTiesUpwards: "test_order",
    OrdersByCase: "test_texts_are_ordered_by_code_point",
    TakesTrueForOne: "test_filters_compare_by_type",
    TakesNumbersForTexts: "test_filters_compare_by_type",
    CountsWithDoubles: "test_filters_compare_by_type",
    TakesNothingForAll: "test_filters_compare_by_type",
    TakesAnyForAll: "test_all_values_must_be_at_the_path",
    TakesTheFirstForAll: "test_all_values_must_be_at_the_path",
    TakesAbsentForOther: "test_filters_compare_by_type",
    IncludesTheUpperBound: "test_filters_compare_by_type",
    OpensNoLists: "test_paths_go_into_objects_and_lists",
    LetsAPathBeAnything: "test_paths_of_a_wrong_form_are_refused",
    FindsPartsOfWords: "test_words",
    FindsWholeWordsOnly: "test_words",
    FindsAnyWord: "test_words",
    LooksForWordsInTheNewest: "test_words_are_found_newest_first_however_many_have_them",
    LowersInsteadOfFolding: "test_words",
    CountsNoneAsNothing: "test_a_tally_counts_and_sums_by_group",
    TalliesAPage: "test_a_tally_looks_at_filters_and_words_only",
    SumsIn64Bits: "test_a_sum_may_be_larger_than_its_numbers",
    TalliesNumbersOfAnyKind: "test_what_is_no_integer_is_unknown_to_a_sum",
    GroupsByLists: "test_a_list_or_an_object_is_none_to_a_tally",
    TalliesWholeListsOnly: "test_a_tally_filters_by_the_items_of_lists",
    TalliesNothingAsZero: "test_a_tally_by_nothing_is_one_group_or_none",
    ErasesOneAtATime: "test_erasures_at_once_take_what_each_was_given",
    ErasesShells: "test_erasing_takes_payloads_and_leaves_shells",
    ErasesNothingButTheSalt: "test_erasing_takes_payloads_and_leaves_shells",
    ErasesEveryKind: "test_erasing_takes_the_kinds_it_is_given",
    ErasesOneTooFar: "test_erasing_takes_the_range_it_is_given",
    ErasesThreadsWhole: "test_only_a_live_stream_is_erased_whole",
    TellsLocalTime: "test_now_is_utc_in_milliseconds",
    AnswersWhenClosed: "test_a_closed_store_is_unavailable",
    LosesItsPlaceWhenRacing: "test_of_eight_racers_one_wins_each_number",
}


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    request.node.user_properties.append(("store", request.param.__name__))
    return request.param()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test over the right store, and over those that it is there to catch."""
    wrong = [store for store, test in CAUGHT_BY.items() if test == metafunc.function.__name__]
    metafunc.parametrize("store", [MemoryStore, *wrong], indirect=True, ids=lambda store: store.__name__)
