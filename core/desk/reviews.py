"""Reviews: the verdicts of auditors and handlers on answers, each turn's in a log of its own."""

from collections.abc import Sequence

from core.clock import Clock
from core.desk.checked_records import CheckedRecords
from core.desk.lists import MAX_PAGE, Lists
from core.errors import InvalidInput
from core.gate import Owned, Viewer, may
from core.log.facts import VerdictContent, VerdictGiven
from core.log.folded_log import FoldedLogs
from core.log.pseudonyms import Pseudonyms
from core.log.records import Given, Review, Thread, Turn, item_of
from core.log.refold import write_again
from core.log.review import fold_review, review_stream
from core.store import In, Query, Store, every
from core.values import Cause, Verdict

MAX_VERDICT_TEXT = 4000
"""The most characters of a verdict's note, and of its corrected answer."""

_PATIENCE = 3.0


class Reviews:
    """Puts verdicts on record, and reads them."""

    def __init__(self, store: Store, clock: Clock, checked: CheckedRecords, pseudonyms: Pseudonyms) -> None:
        self._store = store
        self._clock = clock
        self._checked = checked
        self._pseudonyms = pseudonyms
        self._lists = Lists(store)
        self._logs = FoldedLogs(store, clock, "review", fold_review)

    async def judge(
        self, viewer: Viewer, turn_id: str, verdict: Verdict, cause: Cause | None, note: str, corrected: str
    ) -> Review:
        """Append the verdict to the turn's review, unless it repeats the viewer's newest one."""
        turn = (await self._checked.turn(viewer, "answer.judge", turn_id)).item
        content = VerdictContent(note=note.strip(), corrected=corrected.strip())
        _check(turn, verdict, cause, content)
        judged = VerdictGiven(
            turn=turn.id,
            thread=turn.thread,
            owner=turn.owner,
            opened_at=turn.opened_at,
            verdict=verdict,
            cause=cause,
            content=content,
        )

        def repeats(review: Review) -> bool:
            return any(_repeats(judged, content, given) for given in review.given if given.by == viewer.id)

        review = await self._logs.append(review_stream(turn.id), judged, by=viewer.id, repeats=repeats)
        # An erasure that has begun by now may have looked for verdicts before this one.
        if (head := await self._store.get("thread", turn.thread)) and turn.n < item_of(Thread, head).erased_upto:
            await erase_reviews(self._store, self._clock, [turn.id])
        return await self._pseudonyms.hide(review)

    async def of(self, viewer: Viewer, turn_ids: Sequence[str]) -> dict[str, Review]:
        """The reviews of these turns, by turn: those of answers that the viewer may judge.

        The caller has put the look at the turns on record.
        """
        reviews = await self._lists.all(Review, {"id": In(tuple(turn_ids))})
        # The heads are asked: a thread may have been sealed after the verdict.
        threads = In(tuple({review.thread for review in reviews}))
        sealed = {head.id for head in await self._lists.all(Thread, {"id": threads, "sealed": True})} if reviews else ()
        return {
            review.id: await self._pseudonyms.hide(review)
            for review in reviews
            if may(
                viewer,
                "answer.judge",
                Owned(kind="turn", id=review.id, owner=review.owner, sealed=review.thread in sealed),
            )
        }

    async def repair(self) -> None:
        """Write the reviews that lag behind their logs."""
        await self._logs.repair()


async def erase_reviews(store: Store, clock: Clock, turn_ids: Sequence[str]) -> None:
    """Erase what was written in the reviews of these turns: it quotes their answers. The verdicts stay."""
    for start in range(0, len(turn_ids), MAX_PAGE):
        names = In(tuple(review_stream(turn) for turn in turn_ids[start : start + MAX_PAGE]))
        for stream in [one.id async for one in every(store, Query(kind="stream", where={"id": names}))]:
            await store.erase(stream)
            await write_again(store, clock, stream, _PATIENCE)


def _repeats(judged: VerdictGiven, content: VerdictContent, given: Given) -> bool:
    newest = (given.verdict, given.cause, given.note, given.corrected)
    return newest == (judged.verdict, judged.cause, content.note, content.corrected)


def _check(turn: Turn, verdict: Verdict, cause: Cause | None, content: VerdictContent) -> None:
    if (verdict == "wrong") != (cause is not None):
        raise InvalidInput("a wrong answer needs a cause, and any other verdict has none")
    if max(len(content.note), len(content.corrected)) > MAX_VERDICT_TEXT:
        raise InvalidInput(f"a note and a corrected answer may each have {MAX_VERDICT_TEXT} characters")
    if turn.ended_at is None:
        raise InvalidInput(f"turn {turn.id} has not ended: judge its answer once it has")
    if turn.answer_erased:
        raise InvalidInput(f"turn {turn.id} has no answer to judge: it was erased")
    if not turn.text.strip():
        raise InvalidInput(f"turn {turn.id} has no answer to judge")
