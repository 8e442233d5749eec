"""Errors that leave their process, as those of a pool of workers do."""

import copy
import inspect
import pickle
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest

import core.desk.desk  # noqa: F401  # all that define errors
from core import ModelError, NotFound, RolltopError

WORDS: dict[Any, Any] = {
    str: "t-1",
    int: 7,
    bool: True,
    str | None: "timeout",
    int | None: 503,
    float | None: 1.5,
    datetime | None: datetime(2026, 12, 1, tzinfo=UTC),
    Sequence[str]: ("a.b",),
}
"""A value for each type that an error takes."""


def errors() -> Iterator[type[RolltopError]]:
    """All classes of errors of the library, each once."""
    waiting = [RolltopError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()


def raised(kind: type[RolltopError]) -> RolltopError:
    """An error of the class, with a value for all that it can be made with."""
    types = get_type_hints(kind.__init__)
    taken = [*inspect.signature(kind.__init__).parameters.values()][1:]
    named = {one.name: WORDS[types[one.name]] for one in taken if one.kind is one.KEYWORD_ONLY}
    in_order = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    placed = [WORDS[types.get(one.name, str)] for one in taken if one.kind in in_order]
    return kind(*placed, **named)


@pytest.mark.parametrize("kind", dict.fromkeys(errors()))
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_is_the_same_in_another_process(kind: type[RolltopError], again: Any) -> None:
    error = raised(kind)
    error.add_note("seen in worker 3")
    other = again(error)
    assert (type(other), str(other), other.args, vars(other)) == (kind, str(error), error.args, vars(error))
    assert str(error)


def test_what_a_caller_acts_on_is_there_after_pickling() -> None:
    missing = pickle.loads(pickle.dumps(NotFound("turn", "t-1")))
    assert (missing.kind, missing.id, str(missing)) == ("turn", "t-1", "turn t-1 was not found")
    failed = pickle.loads(pickle.dumps(ModelError("busy", "too many", retryable=True, retry_after=2.0)))
    assert (failed.code, failed.retryable, failed.retry_after) == ("busy", True, 2.0)
