"""Exports as one HTML file that prints well and loads nothing: no scripts, images, fonts or links.

All text is escaped, and the file's own policy forbids a browser to load anything, should a text ever get through.
"""

from collections.abc import Iterable, Iterator
from html import escape

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
from core.desk.exports.package import Manifest
from core.desk.turn_views import TurnView
from core.log.records import ModelCall, ToolCall, Totals
from core.values import Citation

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #16181d; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
h4 { font-size: .85rem; margin: 1rem 0 .2rem; color: #4a5160; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; border: 1px solid #c9ced8; padding: .25rem .5rem; }
th { background: #f2f4f7; }
.facts { color: #4a5160; font-size: .85rem; margin: .2rem 0; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; margin: .2rem 0; padding: .4rem .7rem;
  border-left: 3px solid #c9ced8; }
.question { border-color: #3b6fd4; } .answer { border-color: #2c8a57; }
td { overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate; }
@page { margin: 18mm; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } section + section { break-before: page; }
  h2, h3, h4 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def html_document(contents: Contents, manifest: Manifest) -> bytes:
    """The threads as transcripts, or the tool calls, below what the manifest says of the export."""
    return "\n".join(_lines(contents, manifest)).encode()


def _lines(contents: Contents, manifest: Manifest) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>Rolltop export</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Rolltop export</h1>"
    yield from _table((), _export_facts(manifest))
    for thread in contents.threads:
        yield from _thread(thread)
    for call in contents.calls:
        yield f"<h2>{escape(call.tool)}</h2>"
        yield _facts(f"tool call {call.id}", f"thread {call.thread}", call.owner)
        yield from _table((), _call_facts(call))
    yield "</body>\n</html>\n"


def _export_facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "Exported", f"{_time(manifest.exported_at)} by {manifest.by}"
    if manifest.purpose:
        yield "Purpose", manifest.purpose
        yield "Query", _json(manifest.query)
    for name, count in (
        ("Threads", manifest.threads),
        ("People", manifest.people),
        ("Questions", manifest.turns),
        ("Tool calls", manifest.calls),
    ):
        yield name, str(count)
    yield "Left out", manifest.left_out


def _thread(thread: WholeThread) -> Iterator[str]:
    head = thread.head
    yield f"<section>\n<h2>{escape(head.title or ('Erased' if head.erased_upto else 'Untitled'))}</h2>"
    yield _facts(f"thread {head.id}", head.owner, f"created {_time(head.created_at)}", _cost(head.totals))
    for number, view in enumerate(thread.turns, 1):
        yield from _turn(number, view, shown=thread.shows(view))
    yield "</section>"


def _turn(number: int, view: TurnView, *, shown: bool) -> Iterator[str]:
    turn = view.turn
    yield f"<article>\n<h3>{'Report of a decision' if turn.report else 'Question'} {number}</h3>"
    yield _facts(f"asked {_time(turn.opened_at)}", f"ended {_time(turn.ended_at)}", f"outcome: {_words(turn.outcome)}")
    if view.versions or not shown:
        yield _facts(
            version_line(view) and f"version {version_line(view)} of this question",
            turn.replaces and f"asked in the place of turn {turn.replaces}",
            *(f"shown {line}" for line in seen_lines(view)),
            "on the branch that is shown now" if shown else "not on the branch that is shown now",
        )
    if turn.report:
        yield _facts(f"reports the decision on request {turn.report}")
    if turn.imported and (origin := turn.imported.origin):
        yield _facts(f"copied from turn {origin.turn} of thread {origin.thread}")
    yield _text(turn.question, "question")
    yield "<h4>Answer</h4>"
    yield _text(None if turn.answer_erased else turn.text or turn.partial, "answer")
    if turn.code:
        yield _facts(f"failed: {turn.code}", turn.message or "")
    if turn.rating:
        yield _facts(f"rated {turn.rating}", turn.dislike and _words(turn.dislike), turn.comment)
    yield from _section("Sources", ("", "Handbook", "Quote"), map(_source, turn.citations))
    yield from _section("Tool calls", ("Tool", "Status", "Arguments", "Result"), map(_call_row, view.calls))
    rows = ((call.tool, _json(call.arguments), call.result) for call in turn.imported_calls)
    yield from _section("Tool calls elsewhere", ("Tool", "Arguments", "Result"), rows)
    yield from _section("Requests to approvers", (), ((request_line(call),) for call in view.deferred))
    yield from _section("Hand-overs", ("Status", "Reference"), ((h.status, h.reference or "") for h in view.handovers))
    yield from _section("Verdicts", (), ((line,) for line in verdict_lines(view.review)))
    yield from _section(
        "Model calls", ("Model", "For", "Status", "Tokens in", "Tokens out", "USD"), map(_model_row, view.model_calls)
    )
    yield _facts(f"turn {turn.id}", _cost(turn.totals))
    yield "</article>"


def _section(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table with a title; nothing without rows."""
    if cells := list(rows):
        yield f"<h4>{title}</h4>"
        yield from _table(columns, cells)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "<table>"
    if columns:
        yield _row("th", columns)
    for row in rows:
        yield _row("td", row)
    yield "</table>"


def _row(cell: str, texts: Iterable[str]) -> str:
    cells = (f'<{cell} dir="auto">{escape(text)}</{cell}>' for text in texts)
    return f"<tr>{''.join(cells)}</tr>"


def _source(citation: Citation) -> tuple[str, ...]:
    return f"[{citation.number}]", passage_line(citation.passage), citation.quote


def _call_row(call: ToolCall) -> tuple[str, ...]:
    return call.tool, _words(call.status), _json(call.arguments), call.error or _json(call.result)


def _call_facts(call: ToolCall) -> Iterator[tuple[str, str]]:
    decision = call.decision
    for name, value in (
        ("Status", _words(call.status)),
        ("Planned", _time(call.planned_at)),
        ("Finished", _time(call.finished_at)),
        ("Effect", call.effect),
        ("About", call.about),
        ("Arguments", _json(call.arguments)),
        ("Result", _json(call.result)),
        ("Error", call.error),
        ("The model was told", call.told),
        ("Decision", decision and f"{decision.outcome} by {decision.by} at {_time(decision.at)}"),
        ("Reason", decision and decision.reason),
        ("Closed", call.closed and _words(call.closed)),
        ("Carries out", call.carries_out and f"request {call.carries_out}"),
        ("Resolution", _json(call.resolution)),
        ("Erased", "the content of this call was erased" if call.erased else None),
    ):
        if value:
            yield name, value


def _model_row(call: ModelCall) -> tuple[str, ...]:
    counts = ("unknown" if count is None else str(count) for count in (call.usage.input, call.usage.output))
    status = f"{call.status} ({call.code})" if call.code else call.status
    return call.model, call.purpose, status, *counts, dollars(call.cost) or "unknown"


def _facts(*words: str | None) -> str:
    return f'<p class="facts" dir="auto">{escape(" · ".join(filter(None, words)))}</p>'


def _text(text: str | None, kind: str) -> str:
    if text is None:
        return _facts("erased")
    return f'<div class="text {kind}" dir="auto">{escape(text)}</div>' if text else _facts("empty")


def _cost(totals: Totals) -> str:
    unknown = f" + model calls of unknown cost: {totals.cost_unknown}" if totals.cost_unknown else ""
    return f"USD {dollars(totals.cost)}{unknown}"


def _json(value: Json) -> str:
    return "" if value is None else value if isinstance(value, str) else canonical(value).decode()


def _words(code: str) -> str:
    return code.replace("_", " ")


def _time(text: str | None) -> str:
    """`2026-11-24 09:30:00 UTC`; None is `not yet`."""
    return f"{text[:10]} {text[11:19]} UTC" if text else "not yet"
