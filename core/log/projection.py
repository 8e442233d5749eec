"""The records that a thread's facts make: one function for each record.

The head (`core.log.fold`) has already decided that a fact is legal.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from core.clock import iso, moment
from core.log.buckets import bucket
from core.log.details import Items, changed, details, planned_call
from core.log.emptied import emptied_by
from core.log.facts import (
    ApprovalAsked,
    ApprovalDenied,
    ApprovalGiven,
    BranchShown,
    Erased,
    ErasureBegun,
    FeedbackGiven,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ThreadFact,
    ToolFinished,
    TurnClaimed,
    TurnEnded,
    TurnImported,
    TurnOpened,
    TurnReleased,
)
from core.log.record_ids import answer_id, deferred_id, question_id
from core.log.records import (
    MAX_LATER,
    MAX_SEEN,
    DeferredCall,
    Imported,
    Item,
    Message,
    ModelCall,
    Retrieval,
    Seen,
    Thread,
    ToolCall,
    Totals,
    Turn,
    Version,
    Wait,
)
from core.token_estimates import characters
from core.values import Entry, Outcome

SENT_OF_RESULT = 16_000
"""The most characters of a tool's result that count towards a turn's size: about what a model is sent of it."""


def joined(*texts: str) -> str:
    """The texts of a turn's model calls as one text: the empty ones left out, a blank line between the others."""
    return "\n\n".join(text for text in texts if text)


def project(thread: Thread, items: Mapping[str, Item], entry: Entry, fact: ThreadFact) -> Mapping[str, Item]:
    """The records by id after a fact that the head accepted; `thread` is the head after it."""
    if isinstance(fact, ErasureBegun):
        return {item_id: _emptied(items, entry.n, item) for item_id, item in items.items()}
    turn_id = getattr(fact, "turn", None)
    if turn_id is None:
        return items
    after = dict(items)
    for item in _changes(thread, Items(items), entry, fact):
        # A store without joint writes can leave a record ahead of its head. Such a record has folded this entry
        # already: it must not count it twice.
        previous = items.get(item.id)
        if previous is None or previous.n < entry.n:
            after[item.id] = _kept_later(items, item) if isinstance(item, ToolCall) else item
    return after


def _emptied(items: Mapping[str, Item], n: int, item: Item) -> Item:
    """The item after the erasure that entry n began."""
    turn = items.get(item.turn) if isinstance(item, Message) else None
    # As in `_changes`: a message may lag behind its turn's record, and no later entry tells it how the turn ended.
    late = item.model_copy(update={"status": turn.status}) if isinstance(turn, Turn) and item.n < n else item
    return emptied_by(n, late)


def _kept_later(items: Mapping[str, Item], call: ToolCall) -> ToolCall:
    """The call with the number of its newest entry, if its turn had ended before it."""
    turn = items.get(call.turn)
    if not isinstance(turn, Turn) or turn.ended_at is None or call.n <= turn.last_n:
        return call
    return call.model_copy(update={"later": [*call.later, call.n][-MAX_LATER:]})


def _changes(thread: Thread, items: Items, entry: Entry, fact: ThreadFact) -> Iterator[Item]:
    if isinstance(fact, TurnOpened):
        yield from _opened(thread, items, entry, fact)
        return
    if isinstance(fact, TurnImported):
        yield from _imported(thread, entry, fact)
        return
    turn = items.get(Turn, fact.turn)  # type: ignore[union-attr]  # `project` let only facts of a turn through
    if turn is not None and turn.n < entry.n:
        last_n = turn.last_n if turn.ended_at else entry.n  # later entries, such as feedback, are among other turns'
        fields = _aside_fields(turn, fact) if _aside(items, fact) else _turn_fields(turn, entry, fact)
        if isinstance(fact, (ModelAnswered, ModelFailed)):
            totals: Totals = fields.get("totals", turn.totals)
            fields = {
                **fields,
                "totals": totals.billed(fact.usage, fact.cost),
                **_first_text(turn, items.get(ModelCall, fact.call), fact),
            }
        turn = turn.model_copy(update={"n": entry.n, "last_n": last_n, **fields})
        outcome = _outcome(turn, items.of(Retrieval, turn.id))
        yield turn if turn.outcome == outcome else turn.model_copy(update={"outcome": outcome})
    # Messages repeat their turn. If the stored turn is ahead of this entry, they wait until the fold has reached its n.
    if turn is not None and turn.n == entry.n:
        yield from _messages(items, turn)
    yield from details(thread, items, entry, fact)


def _messages(items: Items, turn: Turn) -> Iterator[Message]:
    answer = items.get(Message, answer_id(turn.id))
    if answer is not None:
        yield answer.model_copy(
            update={
                "n": turn.n,
                "text": None if turn.answer_erased else joined(turn.text, turn.partial),
                "status": turn.status,
                "citations": turn.citations,
            }
        )
    question = items.get(Message, question_id(turn.id))
    if question is not None and question.status != turn.status:
        yield question.model_copy(update={"n": turn.n, "status": turn.status})


def _opened(thread: Thread, items: Items, entry: Entry, fact: TurnOpened) -> Iterator[Item]:
    at = iso(entry.at)
    text = fact.content.text if fact.content else None
    report, fork = fact.report, fact.fork
    deferred = items.get(DeferredCall, deferred_id(report.deferred)) if report else None
    if report and report.call:
        arguments = fact.content.arguments if fact.content else None
        call = planned_call(thread, entry, fact.turn, report.call, arguments, number=1, model_call="", fence=0)
        decision = deferred.decision if deferred else None
        yield call.model_copy(update={"carries_out": report.deferred, "decision": decision})
    if report:
        yield from changed(deferred, entry, status="reported", report=fact.turn)
        yield from changed(items.get(ToolCall, report.deferred), entry)
    if fork and (original := items.get(Turn, fork.original)):
        if original.n < entry.n:
            versions = _versions(original, entry, fact.turn, fork.left)
            original = original.model_copy(update={"n": entry.n, "versions": versions})
            yield original
        # As in `_changes`: messages that lag behind their turn's record wait for its n, and this entry may be the one.
        if original.n == entry.n:
            yield from _messages(items, original)
    turn = Turn(
        id=fact.turn,
        n=entry.n,
        thread=thread.id,
        owner=thread.owner,
        request_id=fact.request_id,
        snapshot=fact.snapshot,
        status="running",
        question=text,
        concern=fact.content.concern if fact.content else None,
        opened_at=at,
        first_n=entry.n,
        last_n=entry.n,
        size=characters(text or ""),
        replaces=fork.replaces if fork else None,
        original=fork.original if fork else None,
        hidden=thread.hidden,
        report=report.deferred if report else None,
        totals=Totals(tool_calls=int(report is not None and report.call is not None)),
        day=at[:10],
        country=fact.standing.country,
        entity=fact.standing.entity,
    )
    yield from (turn, *_first_messages(turn))


def _first_messages(turn: Turn) -> tuple[Message, Message]:
    """A turn's messages at its first entry. Both come from it: the answer after the question."""
    question = Message(
        id=question_id(turn.id),
        n=turn.n,
        thread=turn.thread,
        turn=turn.id,
        owner=turn.owner,
        # A report is the desk's own word, and not the employee's.
        role="assistant" if turn.report else "user",
        text=turn.question,
        status=turn.status,
        at=turn.opened_at,
        at_n=2 * turn.n,
    )
    answer = {
        "id": answer_id(turn.id),
        "role": "assistant",
        "text": None if turn.answer_erased else turn.text,
        "citations": turn.citations,
        "at_n": question.at_n + 1,
    }
    return question, question.model_copy(update=answer)


def _imported(thread: Thread, entry: Entry, fact: TurnImported) -> Iterator[Item]:
    at, content = iso(entry.at), fact.content
    question, concern = (content.question, content.concern) if content else (None, None)
    answers = content.answers if content else []
    citations = content.citations if content else []
    calls = [call for answer in answers for call in answer.calls]
    turn = Turn(
        id=fact.turn,
        n=entry.n,
        thread=thread.id,
        owner=thread.owner,
        request_id="",
        snapshot=None,
        status="completed",
        question=question,
        concern=concern,
        text=joined(*(answer.text for answer in answers)),
        citations=citations,
        opened_at=at,
        ended_at=at,
        first_n=entry.n,
        last_n=entry.n,
        size=characters(question or "")
        + sum(characters(answer.text) for answer in answers)
        + sum(characters(str(call.arguments)) + min(characters(call.result), SENT_OF_RESULT) for call in calls),
        hidden=thread.hidden,
        imported=Imported(origin=fact.origin, acted=fact.acted, outside=fact.outside, answers=answers),
        outcome="imported",
        handbooks=sorted({citation.passage.document for citation in citations}),
    )
    yield from (turn, *_first_messages(turn))


def _versions(original: Turn, entry: Entry, shown: str, left: str) -> list[Version]:
    """The versions of the original's place, once the turn `shown` is the one shown there."""
    at = iso(entry.at)
    first = Version(turn=original.id, n=original.first_n, seen=[Seen(n=original.first_n, since=original.opened_at)])
    versions: list[Version] = []
    for version in original.versions or [first]:
        if version.seen and version.seen[-1].until is None:
            seen = [*version.seen[:-1], version.seen[-1].model_copy(update={"until": at})]
            version = version.model_copy(update={"last": left, "seen": seen})
        versions.append(version)
    if all(version.turn != shown for version in versions):
        versions.append(Version(turn=shown, n=entry.n))
    return [
        version.model_copy(update={"seen": [*version.seen, Seen(n=entry.n, since=at)][-MAX_SEEN:]})
        if version.turn == shown
        else version
        for version in versions
    ]


def _aside(items: Items, fact: ThreadFact) -> bool:
    """Whether the fact concerns a side call (a summary or a query), which leaves the turn's text as it is."""
    if isinstance(fact, ModelAsked):
        return fact.purpose != "answer"
    if not isinstance(fact, (ModelAnswered, ModelFailed)):
        return False
    call = items.get(ModelCall, fact.call)
    return call is not None and call.purpose != "answer"


def _aside_fields(turn: Turn, fact: ThreadFact) -> dict[str, Any]:  # Any: fields of Turn
    if not isinstance(fact, ModelAsked):
        return {}
    return {"totals": turn.totals.model_copy(update={"model_calls": turn.totals.model_calls + 1})}


def _turn_fields(turn: Turn, entry: Entry, fact: ThreadFact) -> dict[str, Any]:  # Any: fields of Turn
    match fact:
        case BranchShown():
            return {"versions": _versions(turn, entry, fact.version, fact.left)}
        case TurnClaimed():
            waits = [wait if wait.until else wait.model_copy(update={"until": iso(entry.at)}) for wait in turn.waits]
            return {"fence": fact.fence, "status": "running", "waiting": [], "waits": waits}
        case TurnReleased() if fact.reason == "waiting":
            return {"waits": [*turn.waits, Wait(n=entry.n, since=iso(entry.at))]}
        case ModelAsked():
            calls = turn.totals.model_calls + 1
            return {"partial": "", "totals": turn.totals.model_copy(update={"model_calls": calls})}
        case ModelAnswered():
            text = fact.content.text if fact.content else ""
            totals = turn.totals.model_copy(update={"tool_calls": turn.totals.tool_calls + len(fact.calls)})
            size = (
                turn.size
                + characters(text)
                + sum(characters(str(a)) for a in (fact.content.arguments if fact.content else {}).values())
            )
            # An answer that did not fit its schema is given again. The first one stays in its model call as evidence.
            answer = turn.text if fact.repair == "output" else joined(turn.text, text)
            return {"text": answer, "partial": "", "totals": totals, "size": size}
        case ModelFailed():
            return {"partial": fact.content.text if fact.content else ""}
        case ToolFinished():
            return {"size": turn.size + min(fact.size, SENT_OF_RESULT)}
        case ApprovalAsked():
            return {"status": "awaiting_approval", "waiting": [asked.call for asked in fact.calls]}
        case ApprovalGiven() | ApprovalDenied():
            return {"waiting": [call for call in turn.waiting if call != fact.call]}
        case TurnEnded():
            content = fact.content
            return {
                "status": fact.status,
                "text": content.text if content else "",
                "partial": "",
                "citations": content.citations if content else [],
                "citations_left_out": fact.citations_left_out,
                "cited": fact.cited,
                "handbooks": sorted({citation.passage.document for citation in content.citations} if content else ()),
                # Includes the text shown of an answer that broke off: its own entry may be erased, this one is not.
                "size": turn.size + (characters(content.text) - characters(turn.text) if content else 0),
                "output": content.output if content else None,
                "message": content.message if content else None,
                "code": fact.code,
                "until": fact.until,
                "ended_at": iso(entry.at),
                "waiting": [],
            }
        case FeedbackGiven():
            comment = fact.content.comment if fact.content else None
            return {"rating": fact.rating, "dislike": fact.dislike, "comment": comment}
        case Erased():
            return {"erased": sorted({*turn.erased, *fact.kinds})}
        case _:
            return {}


def _first_text(
    turn: Turn, call: ModelCall | None, fact: ModelAnswered | ModelFailed
) -> dict[str, Any]:  # Any: as above
    """The time to the turn's first text and the models that answered, after a model call that ended."""
    if call is None or call.purpose != "answer":
        return {}
    changes: dict[str, Any] = {}
    if turn.first_text_ms is None and fact.ttft_ms is not None:
        waited = moment(call.asked_at) - moment(turn.opened_at)
        # Another process may have asked, by a clock that is behind.
        first = max(0, round(waited.total_seconds() * 1000)) + fact.ttft_ms
        changes = {"first_text_ms": first, "first_text_bucket": bucket(first)}
    if isinstance(fact, ModelAnswered):
        changes["models"] = sorted({*turn.models, call.model})
    return changes


def _outcome(turn: Turn, searches: list[Retrieval]) -> Outcome:
    if turn.imported:
        return "imported"
    match turn.status:
        case "running":
            return "running"
        case "awaiting_approval":
            return "waiting"
        case "cancelled":
            return "stopped"
        case "completed" if turn.citations or turn.cited or turn.citations_left_out:
            return "sourced"
        case "completed" if any(search.call is None and search.answers is False for search in searches):
            return "not_found"
        case "completed":
            return "unsourced"
        case _:
            return "failed"
