"""The options that lists and exports share: the viewer, the purpose, and the filters."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from console.cli.output import Given
from console.scalars import scalar
from core.canonical import Json
from core.desk.filters import CallFilter, Judged, LookFilter, ThreadFilter
from core.errors import InvalidInput
from core.gate import Action
from core.values import CallStatus, Decider, Effect, Outcome, Verdict


def add_viewer(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The options for the viewer and the purpose."""
    parser.add_argument(
        "--as",
        dest="viewer",
        metavar="VIEWER_ID",
        required=required,
        help="your own id, which is recorded; it needs a role on record, see rolltop grant",
    )
    parser.add_argument("--purpose", required=required, help="why you do this, which is recorded")


def add_thread_filters(parser: argparse.ArgumentParser) -> None:
    """The options of a ThreadFilter."""
    _add_common(parser)
    parser.add_argument("--words", default="", help="only threads with a message that has all of these words")
    _add_choices(parser, "--outcome", get_args(Outcome), "only threads with a turn of this outcome")
    _add_choices(parser, "--status", get_args(CallStatus), "only threads with a call (of --tool) of this status")
    _add_choices(parser, "--rating", ("up", "down"), "only threads with an answer rated so")
    _add_choices(parser, "--verdict", (*get_args(Verdict), "none"), "only threads with an answer judged so")
    _add_values(parser, "--handbook", "ID", "only threads with an answer that cites this handbook")
    _add_values(parser, "--model", "NAME", "only threads with an answer of this model")
    _add_values(parser, "--metadata", "NAME=VALUE", f"only threads with this metadata; {_VALUE}")


def thread_filter(options: Given) -> ThreadFilter:
    """The filter that these options name. Raises InvalidInput for a malformed NAME=VALUE."""
    verdicts: tuple[Judged, ...] = tuple(options.verdict)
    return ThreadFilter(
        words=options.words,
        owner=options.owner,
        since=options.since,
        until=options.until,
        outcomes=tuple(options.outcome),
        tools=tuple(options.tool),
        call_statuses=tuple(options.status),
        handbooks=tuple(options.handbook),
        ratings=tuple(options.rating),
        models=tuple(options.model),
        verdicts=verdicts,
        metadata=_fields("--metadata", options.metadata),
    )


def add_call_filters(parser: argparse.ArgumentParser) -> None:
    """The options of a CallFilter."""
    _add_common(parser)
    _add_choices(parser, "--status", get_args(CallStatus), "only calls of this status")
    _add_choices(parser, "--effect", get_args(Effect), "only calls of tools with this effect")
    _add_choices(parser, "--approval", get_args(Decider), "only calls that needed the approval of this person")
    parser.add_argument("--about-other", action="store_true", help="only calls about somebody else than the asker")
    parser.add_argument("--waiting", action="store_true", help="only calls on which a person has to decide now")
    parser.add_argument(
        "--unresolved", action="store_true", help="only calls of unknown outcome that no auditor has resolved"
    )
    _add_values(
        parser, "--argument", "NAME=VALUE", f"only calls with this argument, as their tool declares it; {_VALUE}"
    )


def call_filter(options: Given) -> CallFilter:
    """The filter that these options name. Raises InvalidInput for a malformed NAME=VALUE."""
    return CallFilter(
        tools=tuple(options.tool),
        statuses=tuple(options.status),
        effects=tuple(options.effect),
        approvals=tuple(options.approval),
        owner=options.owner,
        about_other=True if options.about_other else None,
        waiting=options.waiting,
        unresolved=options.unresolved,
        arguments=_fields("--argument", options.argument),
        since=options.since,
        until=options.until,
    )


def add_look_filters(parser: argparse.ArgumentParser) -> None:
    """The options of a LookFilter."""
    add_times(parser)
    _add_choices(parser, "--action", get_args(Action), "only looks of this action")
    parser.add_argument("--denied", action="store_true", help="only what was denied")
    parser.add_argument("--by", metavar="VIEWER_ID", help="with --all: only what this person looked at")
    parser.add_argument("--about", metavar="EMPLOYEE_ID", help="with --all: only looks at this employee's content")


def look_filter(options: Given) -> LookFilter:
    """The filter that these options name."""
    return LookFilter(
        by=options.by,
        owner=options.about,
        actions=tuple(options.action),
        denied=True if options.denied else None,
        since=options.since,
        until=options.until,
    )


def moment(text: str) -> datetime:
    """The time that an option names, in UTC unless it has an offset."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time; write it like 2026-11-24 or 2026-11-24T09:30Z"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_VALUE = 'a value that is JSON (3, true, "3") means that value, any other means itself'


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--owner", metavar="EMPLOYEE_ID", help="only those of this employee, whose id is recorded")
    _add_values(parser, "--tool", "NAME", "only with calls of this tool")
    add_times(parser)


def add_times(parser: argparse.ArgumentParser) -> None:
    """The options for a range of time."""
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="from this day or time on (UTC unless it has an offset)"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="before this day or time")


def _add_choices(parser: argparse.ArgumentParser, name: str, choices: Sequence[str], what: str) -> None:
    parser.add_argument(
        name,
        action="append",
        default=[],
        choices=choices,
        metavar=name.removeprefix("--").upper(),
        help=f"{what}; may be repeated; one of {', '.join(choices)}",
    )


def _add_values(parser: argparse.ArgumentParser, name: str, metavar: str, what: str) -> None:
    parser.add_argument(name, action="append", default=[], metavar=metavar, help=f"{what}; may be repeated")


def _fields(option: str, texts: Sequence[str]) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidInput(f"{option} {text} has no value: write it as NAME=VALUE")
        if name in fields:
            raise InvalidInput(f"{option} names {name} twice: all must match, and a field has one value")
        fields[name] = scalar(value)
    return fields
