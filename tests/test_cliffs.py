"""No cliffs: what a model, a tool, a handbook or a person can make long costs linear CPU time.

The table below has every function of these modules that takes such an input, or says why it is not measured.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import pytest

from backends import codes, languages, stems
from backends.care import spelling
from backends.glossary import Glossary
from backends.handbooks.documents import model
from backends.handbooks.documents import text as plain_text
from backends.handbooks.documents.pdf import structure
from backends.handbooks.search import answer_kinds, contradictions, courtesy, duplicates
from backends.models import (
    answer_json,
    answer_marks,
    answer_text,
    call_arguments,
    error_body,
    error_words,
    prompt,
    python_calls,
    written_calls,
)
from backends.models.anthropic import answer, request_body
from backends.models.offline import choose_tool, dates, excerpt, parameters, question_forms, quotes, results
from backends.models.offline.phrases import ENGLISH
from backends.models.openai import chat_answer, chat_body, responses, responses_answer
from backends.passages import blocks, highlights, quantities
from backends.passages.highlights import Said
from backends.stores import matching
from console import scalars
from console.cli import output
from console.drawing import arguments, marking, sources, text
from core import canonical, words
from core.canonical import Json
from core.desk import snippets
from core.errors import InvalidInput
from core.model import AssistantMessage, ModelRequest, SentCall, ToolMessage, ToolSchema, UserMessage
from core.retrieval import citations, followup, numbering, small_talk
from core.retrieval.markers import Markers
from core.store import Query, Record
from core.values import Citation, Highlight, Passage
from core.worker import history, structured_output
from tests.support.growth import LINEAR, TEXTS, Make, exhaust, growth

QUESTION, PASSAGE, ANSWER, RESULT, FILE = 32_000, 32 * 1024, 512 * 1024, 64 * 1024, 1024 * 1024
"""The longest inputs, in characters. A handbook may be 32 MB; a megabyte of it tells a cliff."""
ITEMS = 10_000
"""The most items of a list that is measured."""

WALKED = (
    "core.canonical",
    "core.words",
    "core.retrieval",
    "core.worker.history",
    "core.worker.structured_output",
    "core.desk.snippets",
    "backends.codes",
    "backends.stems",
    "backends.languages",
    "backends.passages",
    "backends.glossary",
    "backends.care.spelling",
    "backends.models.answer_json",
    "backends.models.answer_marks",
    "backends.models.answer_text",
    "backends.models.call_arguments",
    "backends.models.python_calls",
    "backends.models.written_calls",
    "backends.models.prompt",
    "backends.models.offline",
    "backends.models.openai",
    "backends.models.anthropic",
    "backends.handbooks.documents",
    "backends.handbooks.search",
    "backends.stores.matching",
    "console.scalars",
    "console.cli.output",
    "console.drawing.text",
    "console.drawing.marking",
    "console.drawing.sources",
    "console.drawing.arguments",
    "console.drawing.call_record",
)
"""Modules and packages that read what comes from outside. Their public functions are measured or excepted."""


class Case(NamedTuple):
    """A call, what makes its input, by name, and the largest input there is."""

    call: Callable[[Any], object]
    makes: dict[str, Make]
    most: int


def of_text(call: Callable[[str], object], most: int) -> Case:
    return Case(call, TEXTS, most)


def of_list(call: Callable[[Any], object], make: Make, most: int = ITEMS) -> Case:
    return Case(call, {"a list": make}, most)


def passage(text: str, number: int = 0, **fields: Any) -> Passage:
    return Passage(
        id=f"p{number}",
        document=f"d{number}",
        title="Leave",
        section=["Days"],
        version="1",
        text=text,
        score=1.0,
        **fields,
    )


def lines(n: int) -> list[str]:
    return [f"line {number} of 5 days" for number in range(n)]


def rows(n: int) -> list[list[str]]:
    return [[f"row {number}", "5 days", "| a"] for number in range(n)]


def records(n: int) -> list[Record]:
    return [
        Record(kind="message", id=f"m{number}", n=number, fields={"text": "five days", "at": number % 7})
        for number in range(n)
    ]


def passages(n: int) -> list[Passage]:
    return [passage(f"Rule {number} gives {number} days of leave.", number) for number in range(n)]


def nested(n: int) -> Json:
    """An object of n members, each with a list and an object."""
    return {f"key{number}": {"days": [number, 0.5, None], "name": "täglich"} for number in range(n)}


def asked_for(n: int) -> tuple[parameters.Parameter, ...]:
    """The parameters of a tool that lacks n of them."""
    return tuple(parameters.Parameter(f"p{number}", "text", True, (), None, "What it is.") for number in range(n))


MISSING = choose_tool.Missing("pay", asked_for(100), {})


ASKED = ModelRequest(instructions="", messages=(UserMessage(text="And now?"),))


def conversation(n: int) -> ModelRequest:
    """A request with n questions, each answered by a call and its result."""
    messages: list[Any] = []
    for number in range(n):
        call = SentCall(id=f"c{number}", tool="days_left", arguments={"year": 2026})
        messages += [
            UserMessage(text=f"How many days are left, {number}?"),
            AssistantMessage(text="", calls=(call,)),
            ToolMessage(id=call.id, tool=call.tool, content='{"days": 5}', failed=False),
            AssistantMessage(text="Five."),
        ]
    return ModelRequest(instructions="", messages=(*messages, UserMessage(text="And now?")))


def tool_with(n: int) -> ToolSchema:
    properties = {f"argument_{number}": {"type": "string", "description": "a day"} for number in range(n)}
    return ToolSchema(name="book", description="Book days.", parameters={"type": "object", "properties": properties})


def spoken(text: str, *, first: bool) -> object:
    """What a reader makes of an answer's text that comes in pieces."""
    reader = answer_text.AnswerText((tool_with(1),), thinks_first=first)
    parts = [part for at in range(0, len(text), 1000) for part in reader.read(text[at : at + 1000])]
    return [*parts, *reader.finish()]


def repeated(sign: str) -> Make:
    return lambda n: sign * n


MARKUP = (
    "<|im_end|>",
    "<think>",
    "<think></think>",
    "</think>",
    "</s> ",
    "[ ",
    "```\n",
    "<think>a</think>b\n",
    "`</think>`",
)
STRINGS: dict[str, Json] = {"type": "array", "items": {"type": "string"}}
KINDS: frozenset[answer_kinds.Kind] = frozenset(("amount", "time", "number", "person", "place"))
BY_TIME = Query(kind="message", order=("-at",), limit=20, words="five da")
LEAVE = tuple(
    passage("Leave is five days. Ask your lead before you book it.\n\n- 5 years: 25 days\n" * 5, n) for n in range(3)
)


def message(text: str) -> Record:
    return Record(kind="message", id="m", n=1, fields={"text": text})


def result(text: str) -> ToolMessage:
    return ToolMessage(id="c1", tool="days_left", content=text, failed=False)


def cited(one: Passage) -> Citation:
    return Citation(number=1, passage=one, quote=one.text[:5], start=0, end=5)


def read(found: object) -> None:
    """Read a result that is made as it is read."""
    if isinstance(found, Iterator):
        exhaust(found)


def refused(check: Callable[[str], object]) -> Callable[[str], object]:
    """The check, which may refuse what it is given."""

    def checked(text: str) -> None:
        with suppress(InvalidInput):
            check(text)

    return checked


def in_pieces(text: str) -> Iterator[str]:
    """The text as a model streams it."""
    return (text[start : start + 4] for start in range(0, len(text), 4))


def misfit(text: str, schema: Json) -> None:
    with suppress(structured_output.Misfit):
        structured_output.read_output(text, schema)


def stream_markers(text: str) -> None:
    markers = Markers(3)
    for piece in in_pieces(text):
        markers.feed(piece)
    markers.end()


def stream_anthropic(text: str) -> None:
    whole = answer.Answer()
    exhaust(whole.read({"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}))
    for piece in in_pieces(text):
        exhaust(whole.read({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}))


def stream_responses(text: str) -> None:
    whole = responses_answer.Output()
    for piece in in_pieces(text):
        exhaust(whole.read({"type": "response.output_text.delta", "delta": piece}))
        exhaust(whole.read({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": piece}))
    whole.layout()


def highlighted(text: str) -> Passage:
    units = [Highlight(start=start, end=start + 1, score=0.5) for start in range(12)]
    return passage(f"Days are five. {text}", highlights=units)


def each_row(text: str) -> list[str]:
    return text.split("\n")


TEXTS_ALONE: dict[int, tuple[Callable[..., Any], ...]] = {
    ANSWER: (
        *(canonical.canonical, canonical.digest, words.plain, words.words, followup.rewritten, quotes.unmarked),
        *(text.markdown, text.label, text.shown, sources.left_out, sources.place, output.harmless),
        *(text.answer_markdown, output.one_line, call_arguments.is_json, call_arguments.as_python_writes),
    ),
    QUESTION: (
        *(followup.depends, small_talk.small_talk, scalars.scalar, codes.asked_codes, codes.codes, codes.outside_codes),
        *(stems.surface, stems.terms, stems.question_words, stems.stemmed, stems.stem),
        *(languages.language_of, languages.leaning, spelling.sentences, spelling.plain),
        *(
            model.meant,
            structure.key,
            dates.find_months,
            results.label,
            answer_kinds.wanted,
            answer_kinds.without_how,
            courtesy.without_courtesy,
        ),
    ),
    PASSAGE: (blocks.read_blocks, quantities.spans),
    FILE: (plain_text.read_text,),
}
"""Functions of one text, by the longest that they are given."""

GLOSSARY = Glossary.bundled()
TABLE: dict[Callable[..., Any], tuple[Case, ...]] = {
    **{
        function: (of_text(lambda text, function=function: read(function(text)), most),)
        for most, functions in TEXTS_ALONE.items()
        for function in functions
    },
    canonical.commitment: (of_text(lambda text: canonical.commitment("00" * 16, text.encode()), ANSWER),),
    canonical.chain_hash: (of_text(lambda text: canonical.chain_hash(text.encode()), ANSWER),),
    citations.citations: (
        of_text(lambda text: citations.citations(text, LEAVE), ANSWER),
        of_text(lambda text: citations.citations(f"{text} [1]\n\n> {text} [1]", [passage(text)]), PASSAGE),
    ),
    citations.fitting: (of_list(citations.fitting, lambda n: [cited(one) for one in passages(n)]),),
    followup.with_context: (of_text(lambda text: followup.with_context([text], text), QUESTION),),
    followup.rewriting: (of_text(lambda text: followup.rewriting([(text, text)], text), QUESTION),),
    Markers.feed: (of_text(stream_markers, ANSWER), of_text(lambda text: Markers(3).feed(text), ANSWER)),
    numbering.as_text: (
        of_list(lambda many: numbering.as_text(many, many, None), lambda n: dict(enumerate(passages(n)))),
    ),
    history.check_sendable: (of_list(history.check_sendable, conversation),),
    history.as_json: (of_list(history.as_json, conversation),),
    history.estimated_tokens: (of_list(history.estimated_tokens, conversation),),
    history.request_bytes: (of_list(lambda request: history.request_bytes(request, {}), conversation),),
    history.tool_json: (of_list(history.tool_json, tool_with),),
    structured_output.read_output: (
        of_text(lambda text: misfit(text, {}), ANSWER),
        of_text(lambda text: misfit("{" + text, {}), ANSWER),
        of_list(lambda text: misfit(text, STRINGS), lambda n: json.dumps(list(range(n)))),
        of_list(lambda text: misfit(text, STRINGS), lambda n: '{"a": "{\\"}"} ' * n),
    ),
    snippets.snippet: (
        of_text(lambda text: snippets.snippet(text, "five word7"), ANSWER),
        of_text(lambda text: snippets.snippet("five days of leave " * 500, text), matching.MAX_WORDS),
    ),
    stems.stems: (of_list(stems.stems, lines),),
    stems.rarity: (of_list(lambda many: stems.rarity(map(str.split, many)), lines),),
    highlights.with_highlights: (
        of_text(lambda text: highlights.with_highlights("How many days after 5 years?", [passage(text)]), PASSAGE),
        of_text(lambda text: highlights.with_highlights(text, LEAVE), QUESTION),
    ),
    highlights.heading: (of_text(lambda text: highlights.heading(passage(text)), PASSAGE),),
    highlights.by_words: (of_text(lambda text: highlights.by_words(text)([Said(text, text, text)]), QUESTION),),
    quantities.fitting: (
        of_text(
            lambda text: quantities.fitting(text, ["| 5 years | 3 |", "| 6 years | 4 |"], "| years | d |"), QUESTION
        ),
        of_text(lambda text: quantities.fitting("after 5 years on 1 May", text.split("\n"), "| years | d |"), PASSAGE),
    ),
    Glossary.language: (of_text(GLOSSARY.language, QUESTION),),
    Glossary.read: (of_text(GLOSSARY.read, QUESTION),),
    spelling.root: (of_text(lambda text: spelling.root(text, "en"), QUESTION),),
    answer_json.event_object: (of_list(answer_json.event_object, lambda n: json.dumps(nested(n))),),
    answer_json.add_counts: (of_list(lambda told: answer_json.add_counts({}, told), nested),),
    answer_json.as_objects: (of_list(answer_json.as_objects, lambda n: list(nested(n).values())),),
    prompt.user_text: (of_list(lambda many: prompt.user_text(UserMessage(text="", passages=many)), passages),),
    excerpt.excerpt: (of_text(lambda text: excerpt.excerpt(highlighted(text), ENGLISH), PASSAGE),),
    quotes.quote: (
        of_text(
            lambda text: quotes.quote(UserMessage(text="Leave after 5 years?", passages=(passage(text),))), PASSAGE
        ),
        of_text(lambda text: quotes.quote(UserMessage(text=text, passages=LEAVE)), QUESTION),
    ),
    quotes.quote_on_topic: (
        of_text(
            lambda text: quotes.quote_on_topic(UserMessage(text="Leave?", passages=(passage(text),)), ENGLISH), PASSAGE
        ),
    ),
    choose_tool.form_of: (of_text(lambda text: choose_tool.form_of(text, decided=False), QUESTION),),
    results.render_report: (
        of_text(lambda text: results.render_report(result(text), ENGLISH), RESULT),
        of_text(
            lambda text: results.render_report(
                result(f"The request pay was denied. Reason: {text} It was not carried out."), ENGLISH
            ),
            RESULT,
        ),
        of_list(
            lambda text: results.render_report(result(text), ENGLISH),
            lambda n: "The request pay was denied. Reason:" + " It was not carried out." * n,
        ),
    ),
    results.render: (
        of_text(lambda text: results.render(result(text), ENGLISH), RESULT),
        of_list(lambda text: results.render(result(text), ENGLISH), lambda n: json.dumps(nested(n))),
        of_list(lambda text: results.render(result(text), ENGLISH), lambda n: json.dumps([{"a": 1, "b": "|"}] * n)),
    ),
    parameters.parameters: (of_list(parameters.parameters, tool_with, 500),),
    chat_body.chat_body: (of_list(lambda request: chat_body.chat_body(request, model="m", own=True), conversation),),
    call_arguments.arguments: (of_text(lambda text: call_arguments.arguments(text, None), ANSWER),),
    call_arguments.joined: (
        of_list(call_arguments.joined, lambda n: ["{"] * n),
        of_text(lambda text: call_arguments.joined(["{", text]), ANSWER),
    ),
    answer_marks.marks: (
        of_text(lambda text: list(answer_marks.marks(text)), ANSWER),
        of_text(lambda text: spoken(text, first=False), ANSWER),
        of_text(lambda text: spoken(f"<think>{text}", first=False), ANSWER),
        of_text(lambda text: spoken(text, first=True), ANSWER),
        *(of_list(lambda text: spoken(text, first=True), repeated(sign)) for sign in MARKUP),
        *(of_list(lambda text: spoken(text, first=False), repeated(sign)) for sign in MARKUP),
    ),
    answer_marks.unfinished: (of_text(answer_marks.unfinished, ANSWER),),
    answer_marks.spoken_of: (
        of_text(lambda text: answer_marks.spoken_of(text, "", True), ANSWER),
        of_text(lambda text: answer_marks.spoken_of("see ", text, False), ANSWER),
    ),
    chat_answer.rescued: (of_text(lambda text: list(chat_answer.rescued(ASKED, {"failed_generation": text})), ANSWER),),
    answer_marks.begins_with_thought: (of_text(answer_marks.begins_with_thought, ANSWER),),
    python_calls.closing: (of_text(lambda text: python_calls.closing(f"({text}", 0), ANSWER),),
    python_calls.may_be_python_call: (
        of_text(lambda text: python_calls.may_be_python_call(text, False, None), ANSWER),
    ),
    python_calls.read_python_call: (of_text(lambda text: python_calls.read_python_call(f"f({text}", 0, {}), ANSWER),),
    written_calls.may_be_call: (of_text(lambda text: written_calls.may_be_call(text, False, {}), ANSWER),),
    written_calls.read_calls: (of_text(lambda text: written_calls.read_calls(f"<tool_call>{text}", {}), ANSWER),),
    error_words.code_by_words: (of_text(lambda text: error_words.code_by_words(400, [], text), ANSWER),),
    error_body.read_error: (
        of_text(lambda text: error_body.read_error({"message": text}).implied_status, ANSWER),
        of_list(error_body.read_error, nested),
    ),
    responses.responses_body: (
        of_list(lambda request: responses.responses_body(request, model="m", name="openai:m"), conversation),
    ),
    request_body.messages_body: (
        of_list(lambda request: request_body.messages_body(request, model="m", name="anthropic:m"), conversation),
    ),
    answer.json_event: (of_list(partial(answer.json_event, "message_start"), lambda n: json.dumps(nested(n))),),
    answer.Answer.read: (of_list(stream_anthropic, "word ".__mul__, ANSWER // 5),),
    responses_answer.Output.read: (of_list(stream_responses, "word ".__mul__, ANSWER // 5),),
    answer_kinds.has: (of_text(lambda text: answer_kinds.has(text, KINDS), PASSAGE),),
    contradictions.with_conflicts: (
        of_text(lambda text: contradictions.with_conflicts([passage(text), passage("5 days", 1)]), PASSAGE),
    ),
    duplicates.distinct: (of_text(lambda text: exhaust(duplicates.distinct([passage(text)] * 2)), PASSAGE),),
    matching.has_words: (
        of_text(lambda text: matching.has_words(message(text), ["five", "day"]), ANSWER),
        of_text(lambda text: matching.has_words(message("five days"), text.split()), matching.MAX_WORDS),
    ),
    matching.text_words: (of_text(lambda text: matching.text_words({"text": text}), ANSWER),),
    matching.page: (of_list(lambda many: matching.page(many, BY_TIME), records),),
    matching.tally: (of_list(lambda many: matching.tally(many, BY_TIME, ["at"], ["n"]), records),),
    matching.check_path: (of_text(refused(matching.check_path), ANSWER),),
    output.table: (of_list(output.table, rows),),
    marking.marked: (
        of_text(lambda text: marking.marked(text, [text]), PASSAGE),
        of_text(lambda text: marking.marked(text, each_row(text)), PASSAGE),
        of_text(lambda text: marking.marked(text, text.split(". ")), PASSAGE),
    ),
    sources.with_markers: (of_text(lambda text: sources.with_markers(text, [cited(LEAVE[0])]), ANSWER),),
    question_forms.read_answer: (
        of_text(lambda text: question_forms.read_answer(MISSING, text, ENGLISH), ANSWER),
        of_list(lambda value: question_forms.read_answer(MISSING, json.dumps(value), ENGLISH), nested),
    ),
    question_forms.question_form: (
        of_list(lambda many: question_forms.question_form(choose_tool.Missing("pay", many, {}), ENGLISH), asked_for),
    ),
    arguments.changes: (of_list(lambda value: arguments.changes("pay", value, {}), nested),),
    arguments.titles_of: (of_list(lambda value: arguments.titles_of("pay", value), nested),),
    arguments.plain: (of_text(arguments.plain, ANSWER), of_list(arguments.plain, nested)),
}

IN_A_PROCESS = "read in a process of its own, with a limit of time and of memory (documents/sandbox)"
OF_A_SEARCH = "given the last 500 characters of a query, and passages that the catalogue has cut"
OF_TURN = "given the records of one turn, whose steps are bounded"
OF_THE_PROGRAM = "given what the program says, and nothing from outside"
CHECKED = "given a query that was checked: its texts, paths and values are bounded (matching)"
OFF_THE_LOOP = "linear and slow, because dateparser reads each date: called in a thread (offline/model)"
ONE_FIELD = "looks at one field of a value"

EXCEPTED: dict[str, str] = {
    **dict.fromkeys(("core.retrieval.numbering.numbered", "core.retrieval.numbering.retrievals"), OF_TURN),
    **{
        f"core.worker.history.{name}": OF_TURN
        for name in ("earlier_messages", "sent_call", "tool_message", "turn_messages", "without_outside")
    },
    **dict.fromkeys(("core.worker.history.summary_messages", "core.worker.history.summary_request"), ONE_FIELD),
    "core.retrieval.search.with_search": OF_THE_PROGRAM,
    "backends.passages.blocks.above": ONE_FIELD,
    "backends.care.spelling.is_language": OF_THE_PROGRAM,
    **{f"backends.models.answer_json.{name}": ONE_FIELD for name in ("as_count", "as_object", "as_text")},
    "backends.models.answer_marks.ends_of": ONE_FIELD,
    "backends.models.call_arguments.offered": ONE_FIELD,
    "backends.models.call_arguments.is_object": ONE_FIELD,
    "backends.models.openai.chat_calls.pieces_of": ONE_FIELD,
    "backends.models.python_calls.tool_named": ONE_FIELD,
    "backends.models.openai.client.cost": ONE_FIELD,
    "backends.models.openai.client.settings_at": OF_THE_PROGRAM,
    "backends.models.openai.client.usage": ONE_FIELD,
    **dict.fromkeys(
        ("backends.models.openai.errors.translated", "backends.models.anthropic.errors.translated"), ONE_FIELD
    ),
    **{
        f"backends.models.offline.{name}": OFF_THE_LOOP
        for name in ("arguments.fill", "choose_tool.choose", "dates.find_dates")
    },
    **dict.fromkeys(
        ("backends.models.offline.places.day_there", "backends.models.offline.places.puts_month_first"), ONE_FIELD
    ),
    **{
        f"backends.handbooks.documents.{name}": IN_A_PROCESS
        for name in (
            *(
                "cutter.cut",
                "cutter.indexed_text",
                "docx.package.check",
                "docx.reader.read_docx",
                "grid.flat",
                "grid.placed",
            ),
            *("html.reader.read_html", "kinds.decoded", "kinds.kind_of", "markdown.read_markdown"),
            *("markdown_tables.evened", "markdown_tables.in_cell", "markdown_tables.item", "markdown_tables.table"),
            *(
                "markdown_tables.written",
                "pdf.lines.body_size",
                "pdf.margins.margins",
                "pdf.reader.read_pdf",
                "pdf.rows.rows",
            ),
            *("pdf.structure.blocks", "read.read_document", "sandbox.serve", "sandbox.parsing"),
        )
    },
    **{
        f"backends.handbooks.search.{name}": OF_A_SEARCH
        for name in (
            *(
                "confidence.judged",
                "explain.reason",
                "fusion.is_specific",
                "fusion.joined",
                "fusion.ordered",
                "fusion.spread",
            ),
            *("fusion.with_tokens", "likeness.likeness", "translation.judged", "translation.searched"),
        )
    },
    **{
        f"backends.stores.matching.{name}": CHECKED
        for name in (
            *("check_matching", "check_query", "check_tally", "cut_page", "directions", "lookup", "matches", "merge"),
            *("open_cursor", "rank", "scalar", "seal_cursor", "values"),
        )
    },
    "console.cli.output.tell": "prints what it is given",
    **dict.fromkeys((f"console.drawing.text.{name}" for name in ("exactly", "titled", "when")), ONE_FIELD),
    "console.drawing.sources.audience_words": ONE_FIELD,
    "console.drawing.sources.passage_facts": ONE_FIELD,
    "console.drawing.sources.by_document": OF_TURN,
    "console.drawing.call_record.call_facts": ONE_FIELD,
}
"""Functions that are not measured, by their full names, and why not."""


@pytest.mark.flaky(reruns=2)  # A busy machine stops a measurement for longer than it takes.
@pytest.mark.parametrize("function", TABLE, ids=lambda function: f"{function.__module__}.{function.__qualname__}")
def test_four_times_the_input_costs_about_four_times_as_much(function):
    steep = [
        f"{shape}: {found.small * 1000:.1f} ms for {found.n}, {found.large * 1000:.1f} ms for four times as much"
        for one in TABLE[function]
        for shape, make in one.makes.items()
        if (found := growth(one.call, make, one.most)).factor > LINEAR
    ]
    assert steep == []


def test_a_quadratic_function_is_noticed():
    def count_pairs(text: str) -> int:
        return sum(text.count(text[place]) for place in range(len(text)))

    assert growth(count_pairs, TEXTS["words that differ"], ANSWER).factor > LINEAR


def test_each_function_that_reads_what_comes_from_outside_is_measured_or_excepted_with_a_reason():
    known = {f"{function.__module__}.{function.__qualname__}" for function in TABLE} | EXCEPTED.keys()
    found = {f"{function.__module__}.{function.__qualname__}" for name in WALKED for function in functions_of(name)}
    assert sorted(found - known) == [], "measure these in TABLE, or except them with a reason"
    assert sorted(EXCEPTED.keys() - found) == [], "these are not there any more"


def functions_of(name: str) -> Iterator[Callable[..., Any]]:
    """The public functions of a module or package whose input may be long, without those that draw or await."""
    for module in modules_of(name):
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and may_be_long(function):
                yield function


def modules_of(name: str) -> Iterator[ModuleType]:
    module = import_module(name)
    yield module
    for inner in walk_packages(getattr(module, "__path__", ()), f"{name}."):
        yield import_module(inner.name)


def may_be_long(function: Callable[..., Any]) -> bool:
    if function.__name__.startswith(("_", "draw_")):
        return False
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return False
    return not all(is_short(parameter.annotation) for parameter in inspect.signature(function).parameters.values())


def is_short(annotation: object) -> bool:
    """Whether values of this type are of one size."""
    if annotation in (int, float, bool, date, datetime, NoneType) or get_origin(annotation) is Literal:
        return True
    return get_origin(annotation) in (Union, UnionType) and all(map(is_short, get_args(annotation)))
