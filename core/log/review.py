"""The fold of a review: the verdicts on one turn's answer, from the entries of `review:<turn>`."""

from core.clock import iso
from core.errors import Corrupt
from core.log.facts import VerdictGiven, fact
from core.log.records import Given, Review
from core.values import Entry


def fold_review(review: Review | None, entry: Entry) -> Review:
    """The review after the entry; `review` is None before the first.

    Raises Corrupt, naming stream and n, for an entry that does not follow, or is not a verdict on this turn.
    """
    verdict = fact(entry)
    after = review.n if review else 0
    if entry.n != after + 1:
        raise Corrupt(entry.stream, entry.n, f"follows entry {after}")
    if not isinstance(verdict, VerdictGiven) or entry.stream != review_stream(verdict.turn):
        raise Corrupt(entry.stream, entry.n, f"{entry.kind} is not a verdict on this turn")
    content = verdict.content
    given = Given(
        by=entry.by,
        at=iso(entry.at),
        verdict=verdict.verdict,
        cause=verdict.cause,
        note=content.note if content else None,
        corrected=content.corrected if content else None,
    )
    newest = {one.by: one for one in (*(review.given if review else ()), given)}  # a replaced value keeps its place
    return Review(
        id=verdict.turn,
        n=entry.n,
        hash=entry.hash,
        thread=verdict.thread,
        owner=verdict.owner,
        opened_at=verdict.opened_at,
        given=list(newest.values()),
        verdicts=sorted({one.verdict for one in newest.values()}),
    )


def review_stream(turn_id: str) -> str:
    """The stream that holds the verdicts on this turn."""
    return f"review:{turn_id}"
