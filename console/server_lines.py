"""The lines of the server's log: JSON for programs, columns in a terminal. Every logger's lines come out in one form.

Of Rolltop's own loggers a line has all that they say, which is ids, codes and words for an operator. Of another
library's line it has the place and as much of its beginning as stands in the source there: the rest are values, which
may be a key, an address or what a person wrote. Of an error it has the class and the place. Another library's lines
below a warning are left out.
"""

import json
import linecache
import logging
import re
import sys
import threading
import warnings
from bisect import bisect_left
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Literal, TextIO

from console.settings import Settings, read_settings
from core import server_log
from core.errors import InvalidInput
from core.server_log import EVENTS_LOGGER, Fields, place

OWN = ("core", "backends", "console", "pages", "rolltop")
"""The first parts of the names of Rolltop's own loggers."""

_VALUE = re.compile(r"""[:'"`{(<]""")
"""Where a text of asyncio's may begin to quote. Its C code has some of these texts, so that no source shows them."""

_uncaught = logging.getLogger("rolltop.uncaught")
_warnings = logging.getLogger("py.warnings")


class Handler(logging.StreamHandler[TextIO]):
    """Writes lines; of one that cannot be made, its logger and place: the standard library would print its values."""

    def handleError(self, record: logging.LogRecord) -> None:
        at = f"{PurePath(record.pathname).name}:{record.lineno}"
        instead = {"name": "rolltop.uncaught", "levelno": logging.ERROR, "levelname": "ERROR"}
        instead |= {"msg": "a line of %s could not be written", "args": (record.name,), "at": at}
        with suppress(Exception):  # the stream itself is broken: there is nowhere to say it
            self.stream.write(self.format(logging.makeLogRecord(instead)) + self.terminator)


class Lines(logging.Formatter):
    """Formats a record as one line: of JSON, or of columns."""

    def __init__(self, form: Literal["json", "text"]) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        said = _said(record)
        if self._form == "text":
            return _columns(record, said)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": f"{at[:-6]}Z", "level": record.levelname.lower(), "logger": record.name, "pid": record.process}
        return json.dumps({**line, **said}, ensure_ascii=False, default=str)


def _said(record: logging.LogRecord) -> dict[str, object]:
    """What a line says besides when, how grave and by whom."""
    said: dict[str, object] = {}
    if (event := getattr(record, "event", None)) and record.name == EVENTS_LOGGER:
        said["event"] = event
    elif _is_own(record):
        said["message"] = record.getMessage()
    else:
        said["message"] = _written(record)
        said["at"] = f"{PurePath(record.pathname).name}:{record.lineno}"
    if _is_own(record) or record.name == _warnings.name:  # another library's fields of such names may be anything
        said |= {name: getattr(record, name) for name in Fields.__annotations__ if hasattr(record, name)}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        said |= {"error": type(error).__name__, "at": place(error)}
    return said


def _is_own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OWN


def _written(record: logging.LogRecord) -> str:
    """The beginning of the record's text that its author wrote: the words that stand in the source which logged it."""
    text = str(record.msg).partition("\n")[0]
    if record.name == "asyncio":
        return _VALUE.split(text)[0].strip()
    source = "".join(linecache.getlines(record.pathname))
    ends = [found.end() for found in re.finditer(r"\S+", text)]
    # A longer beginning stands there only if each shorter one does.
    known = bisect_left(ends, True, key=lambda end: text[:end] not in source)
    return text[: ends[known - 1]].rstrip(":'\"({<[ ") if known else ""


def _columns(record: logging.LogRecord, said: dict[str, object]) -> str:
    time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
    what = str(said.pop("event", record.name))
    message = str(said.pop("message", ""))
    rest = " ".join([message, *(f"{name}={value}" for name, value in said.items())]).strip()
    # One line, whatever a message holds: what follows must not look like a line of its own.
    return f"{time} {record.levelname:<8}{what:<20} {rest}".replace("\n", " ").rstrip()


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or _is_own(record)


def write_lines(stream: TextIO | None = None) -> Settings:
    """Let all loggers of this process write to `stream`, standard error if None, as the settings say; returns these.

    Settings that are wrong count as unset here: opening the desk says what is wrong with them.
    """
    stream = stream or sys.stderr
    try:
        settings = read_settings()
    except InvalidInput:
        settings = Settings.model_construct()
    server_log.slow_commit_ms = settings.slow_commit_ms
    handler = Handler(stream)
    handler.setFormatter(Lines(settings.log or ("text" if stream.isatty() else "json")))
    handler.addFilter(_is_worth_a_line)
    handler.setLevel(settings.log_level.upper())
    root = logging.getLogger()
    # Also those of a library that has set up logging by itself, as OpenAI's does on request.
    for former in [one for one in root.handlers if type(one) in (Handler, logging.StreamHandler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    for name in OWN:
        logging.getLogger(name).setLevel(settings.log_level.upper())
    _take_over_streamlits()
    _take_over_what_nobody_caught()
    return settings


def _take_over_streamlits() -> None:
    """Keep Streamlit's loggers, and those that it will make, from writing their lines themselves."""
    from streamlit import logger as streamlits

    def without_handler(logger: logging.Logger) -> None:
        if own := getattr(logger, "streamlit_console_handler", None):
            logger.removeHandler(own)
        logger.propagate = True

    # Streamlit gives each logger a handler of its own when it makes it, and again when its settings change. There is no
    # setting against it; a version without this function would write its lines twice, in two forms.
    streamlits.setup_formatter = without_handler
    streamlits.update_formatter()
    # The web server has made its own handlers when it started. It writes each address that is asked for, and that of a
    # sign-in holds a secret.
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _take_over_what_nobody_caught() -> None:
    def hook(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error or kind(), trace)
        else:
            _uncaught.critical("nobody caught an error", exc_info=error)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            _uncaught.critical("nobody caught an error in a thread", exc_info=args.exc_value)

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        at = f"{filename.rpartition('/')[2]}:{lineno}"
        _warnings.warning("a warning of Python or a library", extra={"error": category.__name__, "at": at})

    def unraisable_hook(args: "sys.UnraisableHookArgs") -> None:
        _uncaught.error("an error where nobody can catch one", exc_info=args.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = hook, thread_hook, unraisable_hook
    warnings.showwarning = show
