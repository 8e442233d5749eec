"""Who meets whom: small casts for the search that misses nothing, crowds for the schedules drawn at random."""

from core.options import Options
from core.turn.commands import WrittenCall
from tests.checker.world import Answer, Scenario

PAY = WrittenCall(tool="pay", effect="unsafe", approval=None, arguments="x")
ASKED = WrittenCall(tool="pay", effect="unsafe", approval="asker", arguments="x")
SENT = WrittenCall(tool="send", effect="unsafe", approval="approver", arguments="x")
SENT_TOO = WrittenCall(tool="send", effect="unsafe", approval="approver", arguments="z")
LOOK = WrittenCall(tool="look", effect="read", approval=None, arguments="x")
BOOK = WrittenCall(tool="book", effect="idempotent", approval=None, arguments="x")
WRONG = WrittenCall(tool="no", effect=None, approval=None, arguments="x", fault="unknown_tool", message="none")

DONE = Answer(("done",))
RETRY = Options(on_interruption="retry")

BOUNDED = (
    Scenario(
        name="an unsafe call, a crash and a recovery that looks twice",
        actors=("opener", "recoverer"),
        answers=(Answer((), (PAY,)), DONE),
        crashes=2,
        rounds=2,
    ),
    Scenario(
        name="two recoverers over a worker that still works",
        large=True,
        actors=("opener", "recoverer", "recoverer"),
        answers=(Answer((), (PAY,)), Answer()),
    ),
    Scenario(
        name="a stop and a take-over while text is shown",
        actors=("opener", "recoverer", "stopper"),
        answers=(Answer(("a", "b")),),
        crashes=1,
        cuts=1,
    ),
    Scenario(
        name="a stop and a take-over where cut answers are asked for again",
        actors=("opener", "recoverer", "stopper"),
        answers=(Answer(("a",)),),
        cuts=1,
        options=RETRY,
    ),
    Scenario(
        name="a model that pauses whenever it is asked",
        actors=("opener", "recoverer"),
        answers=(Answer(("a",), pauses=True),),
        crashes=1,
        options=Options(max_steps=2),
    ),
    Scenario(
        name="a stop among two calls that need nobody",
        large=True,
        actors=("opener", "recoverer", "stopper"),
        answers=(Answer((), (BOOK, PAY)), DONE),
    ),
    Scenario(
        name="two commits that nobody acknowledged",
        actors=("opener", "recoverer"),
        answers=(Answer(("a",), (PAY,)), DONE),
        faults=2,
    ),
    Scenario(
        name="a lost acknowledgement, a crash and a stop",
        actors=("opener", "recoverer", "stopper"),
        answers=(Answer(("a",)),),
        faults=1,
        crashes=1,
    ),
    Scenario(
        name="the same request twice, another one, and a new title",
        actors=("opener", "again", "second", "renamer"),
        answers=(Answer(("a",)),),
    ),
    Scenario(
        name="the same request twice, unacknowledged",
        actors=("opener", "again", "recoverer"),
        answers=(Answer(),),
        faults=1,
        crashes=1,
    ),
    Scenario(
        name="two deciders over two calls, a stop and an expiry",
        large=True,
        actors=("opener", "approver", "denier", "stopper", "recoverer"),
        answers=(Answer((), (ASKED, ASKED)), Answer()),
    ),
    Scenario(
        name="two deciders, unacknowledged",
        actors=("opener", "approver", "denier"),
        answers=(Answer((), (ASKED, ASKED)), Answer()),
        faults=1,
        crashes=1,
    ),
    Scenario(
        name="workers that are told to leave or break",
        large=True,
        actors=("opener", "recoverer", "stopper"),
        answers=(Answer(("a",), (LOOK,)), Answer()),
        leaves=1,
        breaks=1,
    ),
    Scenario(
        name="a turn that waits, its request again, a recovery and a stop",
        large=True,
        actors=("opener", "again", "recoverer", "stopper"),
        answers=(Answer(),),
        crashes=1,
        leaves=1,
        full=("opener",),
    ),
    Scenario(
        name="a turn that waits, a recovery that looks twice, and commits that nobody acknowledged",
        actors=("opener", "recoverer"),
        answers=(Answer(("a",)),),
        crashes=1,
        faults=2,
        rounds=2,
        full=("opener",),
    ),
    Scenario(
        name="an approved call that waits for a place",
        actors=("opener", "approver", "denier", "recoverer"),
        answers=(Answer((), (ASKED, ASKED)), Answer()),
        crashes=1,
        full=("approver", "denier"),
    ),
    Scenario(
        name="questions asked again in their places, while two tabs show the other version",
        actors=("opener", "regenerator", "later", "reviser", "shower", "shower"),
        answers=(Answer(),),
        faults=1,
    ),
    Scenario(
        name="a question asked again in its place whose answer has acted",
        actors=("opener", "regenerator", "later", "recoverer"),
        answers=(Answer((), (PAY,)), Answer()),
        others=(Answer(),),
        crashes=1,
    ),
    Scenario(
        name="two deciders over two deferred calls, and another question",
        actors=("opener", "approver", "denier", "later"),
        answers=(Answer((), (SENT, SENT_TOO)), Answer()),
        others=(Answer(),),
    ),
    Scenario(
        name="a deferred call that is decided, taken back or expires",
        actors=("opener", "approver", "withdrawer", "recoverer"),
        answers=(Answer((), (SENT,)), Answer()),
    ),
    Scenario(
        name="a decision that nobody acknowledged, and a crash",
        actors=("opener", "approver", "recoverer"),
        answers=(Answer((), (SENT,)), Answer()),
        crashes=1,
        faults=1,
    ),
    Scenario(
        name="a deferred call in a question that is asked again, and shown again",
        actors=("opener", "regenerator", "withdrawer", "shower", "editor", "later"),
        answers=(Answer((), (SENT,)), Answer()),
        others=(Answer(),),
    ),
)
"""Each is explored to its last schedule."""

CROWDS = (
    Scenario(
        name="everybody",
        actors=(
            *("opener", "again", "second", "recoverer", "recoverer", "recoverer"),
            *("stopper", "approver", "denier", "renamer"),
        ),
        answers=(Answer(("a", "b"), (LOOK, ASKED, BOOK, WRONG, ASKED)), DONE),
        crashes=2,
        faults=2,
        cuts=1,
        leaves=1,
        breaks=1,
        rounds=2,
        full=("again", "approver"),
    ),
    Scenario(
        name="nobody stops it",
        actors=("opener", "recoverer", "recoverer", "recoverer", "approver", "denier", "renamer"),
        answers=(Answer(("a", "b"), (ASKED, ASKED)), Answer(("c",), (PAY,)), DONE),
        crashes=3,
        faults=2,
        cuts=2,
        leaves=1,
        rounds=3,
        full=("opener", "denier"),
        options=RETRY,
    ),
    Scenario(
        name="one loss after the other",
        actors=("opener", *["recoverer"] * 6),
        answers=(Answer(("a",), (LOOK, BOOK, PAY)), DONE),
        crashes=7,
        rounds=2,
        options=RETRY,
    ),
    Scenario(
        name="short of steps",
        actors=("opener", "second", "recoverer", "recoverer", "stopper"),
        answers=(Answer(("a",), (LOOK,)),),
        crashes=1,
        faults=3,
        cuts=2,
        options=Options(max_steps=1),
    ),
    Scenario(
        name="versions and deferred calls",
        actors=(
            *("opener", "later", "regenerator", "reviser", "shower", "shower", "recoverer", "recoverer", "recoverer"),
            *("approver", "denier", "editor", "tardy", "withdrawer", "stopper"),
        ),
        answers=(Answer(("a",), (LOOK, SENT, SENT_TOO)), Answer()),
        others=(Answer((), (SENT,)), Answer(), Answer((), (PAY,)), DONE),
        crashes=1,
        faults=2,
        cuts=1,
        leaves=1,
        rounds=2,
        full=("approver",),
    ),
    Scenario(
        name="versions",
        actors=("opener", "later", "regenerator", "reviser", "shower", "shower", "shower", "renamer", "recoverer"),
        answers=(Answer(("a",)),),
        others=(Answer((), (LOOK,)), Answer((), (PAY,)), DONE),
        crashes=2,
        faults=2,
        rounds=3,
    ),
)
"""Schedules of each are drawn at random."""
