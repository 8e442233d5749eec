"""Durations in buckets, so that a store that only counts groups gives percentiles."""

from collections.abc import Iterable

from core.store import Tally


def bucket(milliseconds: int | None) -> int | None:
    """The bucket's upper bound in ms: the duration rounded up to two digits, so at most 10 % above it. None stays None.

    Durations up to 100 ms are exact.
    """
    if milliseconds is None:
        return None
    step = 1
    while milliseconds > 100 * step:
        step *= 10
    return -(-milliseconds // step) * step


def percentile(tallies: Iterable[Tally], share: float) -> int | None:
    """The upper bound of the bucket that holds the percentile, in ms; None without a known duration.

    `tallies` are groups by bucket; `share` is from 0 to 1, such as 0.95. Groups of unknown durations do not count.
    """
    groups = sorted((tally.key[0], tally.count) for tally in tallies if isinstance(tally.key[0], int))
    rank = share * sum(count for _, count in groups)
    below = 0
    for bound, count in groups:
        below += count
        if below >= rank:
            return bound
    return None
