"""What stores keep an index of, so that a list or a figure costs what it shows, not what is stored.

A store answers any query without an index, too: it then reads all records of a kind that the other filters leave. Each
index is written with each commit, so each one here says what needs it.
"""

from collections.abc import Mapping

INDEXES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "thread": (
        ("updated_at",),  # all threads, newest first, and those of a time
        ("owner", "shelf", "updated_at"),  # an employee's list of threads
        ("owner", "updated_at"),  # all threads of a person
        ("sealed", "updated_at"),  # the sealed ones; the others, if an auditor filters
        ("fold",),  # threads whose records an older version made
    ),
    "turn": (
        ("thread", "first_n"),  # a thread's turns, which each request to a model reads
        ("opened_at",),  # figures of a time
        ("owner", "opened_at"),  # a person's own usage
        ("rating", "opened_at"),  # answers that were rated down
    ),
    "message": (
        ("thread", "at_n"),  # a thread's messages
        ("at",),  # messages with words, newest first
        ("owner", "at"),  # those of one person
    ),
    "tool_call": (
        ("planned_at",),  # all calls, newest first, those of a time, and their figures
        ("tool", "planned_at"),  # calls of one tool
        ("status", "planned_at"),  # calls that failed, or wait for an approver
        ("owner", "planned_at"),  # calls for one person
        ("about_other", "planned_at"),  # calls about another person than the asker
    ),
    "model_call": (("asked_at",),),  # costs of a time
    "retrieval": (("answers", "at"),),  # questions without an answer in the handbooks
    "summary": (("thread", "at_n"),),  # a thread's newest summary
    "handover": (
        ("asked_at",),  # figures of a time
        ("owner", "asked_at"),  # those of one person
    ),
    "deferred_call": (("status", "asked_at"),),  # those that wait for an approver, or for their turn
    "review": (("opened_at",),),  # verdicts on the answers of a time
    "look": (
        ("at",),  # the audit log, newest first
        ("by", "at"),  # what one viewer looked at
    ),
}
"""Per kind of record the orders that are indexed: by the last path, among records of one value at the paths before it.

At each path stands a single value: a list there would not be found by its items.
"""

VALUES: Mapping[str, tuple[str, ...]] = {
    "thread": (
        *("outcomes", "ratings", "tools", "handbooks", "models", "filters"),  # an auditor's list of threads
        "erase_due",  # threads whose owners ask for erasure
    ),
    "turn": (
        "status",  # recovery: the open turns
        "handbooks",  # answers that cite a handbook
    ),
    "message": ("turn",),  # what a commit of the turn changes; so are the others of this path
    "tool_call": ("thread", "turn", "filters"),  # exports and a rebuild ask for what is of a thread
    "model_call": ("thread", "turn"),
    "retrieval": ("thread", "turn"),
    "summary": ("turn",),
    "handover": ("thread", "turn", "status"),
    "deferred_call": ("thread", "turn"),
    "review": ("thread", "verdicts"),
    "look": ("owners",),  # who looked at what is theirs
    "spending": ("day",),  # who is at a limit
}
"""Per kind the other paths that are indexed by value: that of a scalar, or each of a list of scalars."""

WORDS = frozenset(
    {
        "message",
        "thread",  # the titles that people gave their threads
    }
)
"""The kinds of record whose words are indexed. The words of others are found by reading their texts."""
