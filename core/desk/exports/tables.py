"""Exports as CSV (RFC 4180): a row for each turn, for each tool call, or for each group of usage.

UTF-8 with a byte order mark: without one, Excel reads the file in the code page of the machine and breaks every umlaut.
What a spreadsheet would calculate gets an apostrophe in front, so a CSV is for reading; JSONL is exact.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from core.canonical import Json, canonical
from core.desk.exports.contents import (
    Contents,
    WholeThread,
    dollars,
    passage_line,
    request_line,
    seen_lines,
    verdict_lines,
    version_line,
)
from core.desk.turn_views import TurnView
from core.desk.usage import UsageBy, UsageReport, Used
from core.log.records import ToolCall
from core.values import Citation

Row = Mapping[str, Json]

# Not at the start alone: a spreadsheet whose locale parts columns by semicolons begins cells and rows within the text.
# The wide forms too: one with an East Asian locale calculates them as well.
_FORMULA = re.compile('(?:^|(?<=[;\t\r\n]))(?=[" ]*[-=+@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])')

TURN_COLUMNS = (
    "thread",
    "title",
    "person",
    "turn",
    "asked_at",
    "ended_at",
    "status",
    "outcome",
    "version",
    "replaces",
    "shown_now",
    "shown_at",
    "reports",
    "question",
    "answer",
    "erased",
    "failure",
    "sources",
    "tools",
    "requests",
    "models",
    "handovers",
    "rating",
    "dislike",
    "comment",
    "verdicts",
    "country",
    "input_tokens",
    "output_tokens",
    "calls_of_unknown_tokens",
    "cost_usd",
    "calls_of_unknown_cost",
)
CALL_COLUMNS = (
    "call",
    "thread",
    "turn",
    "person",
    "tool",
    "effect",
    "status",
    "planned_at",
    "started_at",
    "finished_at",
    "duration_ms",
    "attempts",
    "arguments",
    "result",
    "result_cut",
    "error",
    "code",
    "told",
    "erased",
    "about",
    "about_other",
    "approval",
    "decision",
    "decided_by",
    "decided_at",
    "reason",
    "expires",
    "closed",
    "carries_out",
    "resolution",
)
USAGE_COLUMNS = (
    "by",
    "name",
    "people",
    "turns",
    "model_calls",
    "failed_model_calls",
    "input_tokens",
    "output_tokens",
    "calls_of_unknown_tokens",
    "cost_usd",
    "calls_of_unknown_cost",
    "withheld",
)


def turn_table(contents: Contents) -> bytes:
    """A row for each turn of the threads."""
    return _table(
        TURN_COLUMNS,
        (_turn_row(thread, view) for thread in contents.threads for view in thread.turns),
    )


def call_table(contents: Contents) -> bytes:
    """A row for each tool call."""
    return _table(CALL_COLUMNS, map(_call_row, contents.calls))


def usage_table(report: UsageReport, by: UsageBy) -> bytes:
    """A row for each group, and a last one for all. A withheld one has its reason in place of numbers."""
    groups: list[Row] = [
        {"by": by, "name": group.name, **_used_cells(group.used), "withheld": group.withheld} for group in report.groups
    ]
    everything = {"by": "all", **_used_cells(report.total), "withheld": None if report.total else "few"}
    return _table(USAGE_COLUMNS, [*groups, everything])


def _table(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue().encode("utf-8-sig")


def _cell(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            text = value
        case _:
            text = canonical(value).decode()
    return _FORMULA.sub("'", text)


def _turn_row(thread: WholeThread, view: TurnView) -> Row:
    turn, totals = view.turn, view.turn.totals
    return {
        "thread": turn.thread,
        "title": thread.head.title,
        "person": turn.owner,
        "turn": turn.id,
        "asked_at": turn.opened_at,
        "ended_at": turn.ended_at,
        "status": turn.status,
        "outcome": turn.outcome,
        "version": version_line(view),
        "replaces": turn.replaces,
        "shown_now": thread.shows(view),
        "shown_at": "\n".join(seen_lines(view)),
        "reports": turn.report,
        "question": turn.question,
        "answer": turn.text or turn.partial,
        "erased": "\n".join(turn.erased),
        "failure": ": ".join(filter(None, (turn.code, turn.message))),
        "sources": "\n".join(map(_source, turn.citations)),
        "tools": "\n".join(
            [
                *(f"{call.tool}: {call.status}" for call in view.calls),
                *(f"{call.tool}: elsewhere" for call in view.turn.imported_calls),
            ]
        ),
        "requests": "\n".join(map(request_line, view.deferred)),
        "models": "\n".join(turn.models),
        "handovers": "\n".join(handover.status for handover in view.handovers),
        "rating": turn.rating,
        "dislike": turn.dislike,
        "comment": turn.comment,
        "verdicts": "\n".join(verdict_lines(view.review)),
        "country": turn.country,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "calls_of_unknown_tokens": totals.tokens_unknown,
        "cost_usd": dollars(totals.cost),
        "calls_of_unknown_cost": totals.cost_unknown,
    }


def _call_row(call: ToolCall) -> Row:
    decision = call.decision
    return {
        "call": call.id,
        "thread": call.thread,
        "turn": call.turn,
        "person": call.owner,
        "tool": call.tool,
        "effect": call.effect,
        "status": call.status,
        "planned_at": call.planned_at,
        "started_at": call.started_at,
        "finished_at": call.finished_at,
        "duration_ms": call.duration_ms,
        "attempts": call.attempts,
        "arguments": call.arguments,
        "result": call.result,
        "result_cut": call.cut,
        "error": call.error,
        "code": call.code,
        "told": call.told,
        "erased": call.erased,
        "about": call.about,
        "about_other": call.about_other,
        "approval": call.approval,
        "decision": decision and decision.outcome,
        "decided_by": decision and decision.by,
        "decided_at": decision and decision.at,
        "reason": decision and decision.reason,
        "expires": call.expires,
        "closed": call.closed,
        "carries_out": call.carries_out,
        "resolution": call.resolution,
    }


def _used_cells(used: Used | None) -> Row:
    if used is None:
        return {}
    spent = used.spent
    return {
        "people": used.people,
        "turns": used.turns,
        "model_calls": spent.calls,
        "failed_model_calls": spent.failed,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "calls_of_unknown_tokens": spent.tokens_unknown,
        "cost_usd": dollars(spent.cost),
        "calls_of_unknown_cost": spent.cost_unknown,
    }


def _source(citation: Citation) -> str:
    return f"[{citation.number}] {passage_line(citation.passage)}"
