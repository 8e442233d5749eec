"""`rolltop ingest`: import files and folders into the index of handbooks, and remove documents from it."""

import argparse
from collections import Counter
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

from backends.handbooks.catalogue.tables import MEMORY
from backends.handbooks.documents.model import Terms
from backends.handbooks.documents.sandbox import DocumentLimits
from backends.handbooks.ingest.report import DocumentReport, IngestReport, Progress
from backends.handbooks.opening import open_handbooks
from console.cli.existing import settings_of
from console.cli.output import GOOD, LOOK_AT_IT, Given, Pace, harmless, tell
from console.cli.urls import url_argument
from console.cli.viewers import GRANTS, desk_as
from console.demo.mark import is_demo
from console.demo.samples import withdraw_samples
from console.format import counted
from console.value_settings import read_value
from core.errors import InvalidInput
from core.values import Audience

SHOWN = 60
"""Characters that are shown of a text that was left out; the JSON has all of it."""


async def ingest_handbooks(given: Given) -> int:
    """Import handbooks from files and folders, and remove documents."""
    if not given.paths and not given.remove and not given.reindex:
        raise InvalidInput("name files or folders of handbooks, or a document to --remove")
    if given.viewer is None:
        raise InvalidInput(f"add --as VIEWER_ID: whose word it is, for the record; {GRANTS}")
    settings = settings_of(given)
    file = given.index or settings.index_file
    if file == MEMORY:
        raise InvalidInput("the index is in the memory of the desk's process: give --index FILE, or ROLLTOP_INDEX")
    embedder = given.embedder or settings.embedder.get_secret_value()
    vectors = given.vectors or settings.vectors.get_secret_value()
    limits = read_value("documents", DocumentLimits)
    async with (
        desk_as(given, "handbooks.keep") as desk,
        open_handbooks(file, embedder=embedder, vectors=vectors, limits=limits) as handbooks,
    ):
        keeper, demo = desk.viewer, await is_demo(desk.store)
        # The index says whose word each change is, and the store's record from which account it came.
        await desk.record("handbooks.keep")
        for document in given.remove:
            await handbooks.remove(keeper, document)
        report = await handbooks.ingest(
            keeper,
            *given.paths,
            progress=_progress(Pace()),
            root=given.root,
            prune=not given.keep,
            terms=_terms(given),
            reindex=given.reindex,
        )
        withdrawn = await withdraw_samples(handbooks, demo=demo)
    for one in report.documents:
        tell(given, [_shown(one)], _line(one))
    lines = [f"removed: {document}" for document in given.remove]
    if withdrawn:
        samples = counted(withdrawn, "sample handbook")
        lines.append(f"withdrawn: {samples}, now that there are handbooks of your own; they stay on record")
    tell(given, [{**_total(report), "withdrawn": withdrawn}], "\n".join([*lines, report.summary]))
    return LOOK_AT_IT if report.trouble else GOOD


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `rolltop ingest`."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file, or a folder with all below it")
    parser.add_argument("--index", metavar="FILE", help="the index; by default the setting ROLLTOP_INDEX")
    for option in ("embedder", "vectors"):
        variable = f"ROLLTOP_{option.upper()}"
        kind = url_argument(f"set {variable} to it")
        parser.add_argument(f"--{option}", type=kind, metavar="URL", help=f"by default the setting {variable}")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="the folder in which documents' ids begin")
    parser.add_argument("--keep", action="store_true", help="keep documents whose files are gone from a folder")
    parser.add_argument("--reindex", action="store_true", help="change to another embedder: compute all vectors again")
    parser.add_argument("--remove", action="append", default=[], metavar="DOCUMENT", help="take it out of search")
    parser.add_argument("--as", dest="viewer", metavar="VIEWER_ID", help="whose word it is, for the record")
    words = parser.add_argument_group("terms of all these documents, which go before their front matter's")
    # An option that is not given must leave its field unset, so there are no defaults.
    unset = argparse.SUPPRESS
    words.add_argument(
        "--audience", action="append", default=unset, metavar="WHO", help="COUNTRY, entity:NAME, role:NAME or all"
    )
    words.add_argument("--owner", default=unset, help="the person or team that answers for them")
    for option, meaning in (
        ("--effective", "the first day in force"),
        ("--until", "the last day in force"),
        ("--review-by", "the day by which their owner reads them again"),
    ):
        words.add_argument(option, type=_day, default=unset, metavar="DAY", help=meaning)


def _progress(pace: Pace) -> "partial[None]":
    def say(pace: Pace, at: Progress) -> None:
        pace.say(
            f"{at.documents:,} of {counted(at.of_documents, 'document')}, "
            f"{at.passages:,} of {counted(at.of_passages, 'passage')}: {harmless(at.name)}"
        )

    return partial(say, pace)


def _line(one: DocumentReport) -> str:
    """One document for a person; "" if it did not change."""
    if one.status == "unchanged" and not one.reason:
        return ""
    summary = f"{one.status}: {one.document}"
    if one.status == "published":
        summary += f", version {one.version}, {counted(one.passages, 'passage')}"
    left = Counter((out.reason, out.text) for out in one.left_out)
    lines = [summary + (f" ({one.reason})" if one.reason else "")]
    lines += [
        f"  left out, {reason}{f', {n} times' if n > 1 else ''}: {text[:SHOWN]}" for (reason, text), n in left.items()
    ]
    return "\n".join(line[: len(line) - len(line.lstrip())] + harmless(line) for line in lines)


def _shown(one: DocumentReport) -> dict[str, object]:
    return {**asdict(one), "left_out": [out.model_dump() for out in one.left_out]}


def _total(report: IngestReport) -> dict[str, object]:
    return {"summary": report.summary, "fault": report.fault, "trouble": report.trouble}


def _terms(given: Given) -> Terms:
    terms = {name: value for name, value in vars(given).items() if name in Terms.model_fields}
    if "audience" in terms:
        terms["audience"] = _audience(terms["audience"])
    return Terms.model_validate(terms)


def _audience(words: list[str]) -> Audience:
    named: dict[str, list[str]] = {"country": [], "entity": [], "role": []}
    for word in words:
        kind, colon, name = word.casefold().partition(":")
        kind, name = (kind, name) if colon else ("country", kind)
        if kind not in named or not name:
            raise InvalidInput(f"{word!r} is not an audience: use COUNTRY, entity:NAME, role:NAME or all")
        named[kind] += [] if (kind, name) == ("country", "all") else [name]
    return Audience(countries=named["country"], entities=named["entity"], roles=named["role"])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-24") from None
