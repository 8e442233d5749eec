"""Arguments of public functions, checked against their annotations: a wrong type is named before anything is done.

The annotations say already what a caller may pass, so that a method needs no check of its own for types.
"""

import inspect
import math
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, wraps
from itertools import chain, cycle
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from core.errors import InvalidInput

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
Fits = Callable[[object], bool]

_TEXTS = str | bytes | bytearray
_INT64 = range(-(2**63), 2**63)


def checked(*own: str) -> Callable[[F], F]:
    """The function, which raises InvalidInput for an argument that its annotation does not allow.

    The parameters `own` are left to the function, which has better words. An async generator function raises when it is
    called, not at its first item.
    """

    def wrapped(function: F) -> F:
        parameters = inspect.signature(function).parameters.values()
        # A keyword-only parameter after `*args` takes no place.
        names = [one.name for one in parameters if one.kind <= one.POSITIONAL_OR_KEYWORD]
        more = [one.name for one in parameters if one.kind is one.VAR_POSITIONAL]

        def check(args: Sequence[object], keywords: Mapping[str, object]) -> None:
            given = (*zip(chain(names, cycle(more)), args, strict=False), *keywords.items())
            check_arguments(function, [(name, value) for name, value in given if name not in own])

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def call(*args: Any, **keywords: Any) -> Any:
                check(args, keywords)
                return await function(*args, **keywords)
        else:

            @wraps(function)
            def call(*args: Any, **keywords: Any) -> Any:
                check(args, keywords)
                return function(*args, **keywords)

        return cast(F, call)

    return wrapped


def checked_methods(cls: C) -> C:
    """The class, whose own public methods are `checked`."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(cls, name, checked()(method))
    return cls


def check_arguments(function: Callable[..., Any], given: Iterable[tuple[str, object]]) -> None:
    """Raises InvalidInput for a named argument that the function's annotation does not allow."""
    hints = _hints(function)
    for name, value in given:
        # A viewer of None has not signed in: the gate refuses, as it refuses any other viewer.
        if name in hints and not (name == "viewer" and value is None):
            _check(name, value, *hints[name])


def check_fields(value: object) -> None:
    """For the `__post_init__` of a dataclass. Raises InvalidInput for a field that its annotation does not allow."""
    owner: Any = type(value)
    for name, (fits, hint) in _hints(owner).items():
        _check(name, getattr(value, name), fits, hint)


def has_all(value: object, protocol: type) -> bool:
    """Whether the value has all that the protocol names. A class itself does not count."""
    return not isinstance(value, type) and all(hasattr(value, name) for name in _members(protocol))


def lacking(value: object, protocol: type) -> str:
    """What of the protocol the value lacks, for a message; "" if it has less than half, and so is something else."""
    names = sorted(_members(protocol))
    missing = [name for name in names if not hasattr(value, name)]
    return "" if isinstance(value, type) or len(missing) * 2 > len(names) else " and ".join(missing)


def named(value: object) -> str:
    """What the value is, for a message that must not repeat the value itself."""
    return f"the class {value.__name__}" if isinstance(value, type) else _a(type(value).__name__)


def _named_item(value: object, hint: Any) -> str:
    """As `named`; of a list that holds something else than it should, the first such item."""
    if get_origin(hint) in (Iterable, Sequence, list) and isinstance(value, list | tuple):
        one = _fits(get_args(hint)[0])
        for place, item in enumerate(value):
            if not one(item):
                return f"{named(value)} with {named(item)} at [{place}]"
    return named(value)


def _check(name: str, value: object, fits: Fits, hint: object) -> None:
    if not fits(value):
        words = _words(hint)
        # The value itself may be what a person wrote.
        given = "another text" if isinstance(value, str) and "'" in words else _named_item(value, hint)
        raise InvalidInput(f"`{name}` must be {words}, not {given}")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"`{name}` holds a lone surrogate, which is not a character: remove it") from None


@cache
def _hints(annotated: object) -> dict[str, tuple[Fits, object]]:
    hints = get_type_hints(annotated)
    hints.pop("return", None)
    return {name: (_fits(hint), hint) for name, hint in hints.items()}


@cache
def _members(protocol: type) -> frozenset[str]:
    return frozenset(name for name in vars(protocol) if not name.startswith("_")) | set(get_type_hints(protocol))


def _fits(hint: Any) -> Fits:
    """Whether a value is one that the hint allows. JSON is checked where it is encoded."""
    arguments = get_args(hint)
    match get_origin(hint) or hint:
        case _ if hint is Any:
            return lambda value: True
        case TypeVar() as variable:
            return _fits(variable.__bound__ or Any)
        case kind if kind in (Union, UnionType):
            several = [_fits(one) for one in arguments]
            return lambda value: any(fits(value) for fits in several)
        case kind if kind is Literal:
            return lambda value: isinstance(value, str) and value in arguments
        case kind if kind is int:
            return lambda value: isinstance(value, int) and not isinstance(value, bool) and value in _INT64
        case kind if kind is float:
            return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case kind if kind is datetime:
            return lambda value: isinstance(value, datetime) and value.tzinfo is not None
        case kind if kind is type:
            bounds = _bounds(arguments[0])
            if bounds == (object,):  # any type, also list[int], which is not a class to Python
                return lambda value: isinstance(value, type) or get_origin(value) is not None
            return lambda value: isinstance(value, type) and issubclass(value, bounds)
        case kind if kind is Iterable:
            one = _fits(arguments[0])
            # An iterator gives its items once, so that they cannot be looked at here.
            return lambda value: (
                isinstance(value, Iterable)
                and not isinstance(value, _TEXTS)
                and (not isinstance(value, Collection) or all(map(one, value)))
            )
        case kind if kind is tuple and arguments[-1] is not ...:
            each = [_fits(one) for one in arguments]
            return lambda value: (
                isinstance(value, tuple)
                and len(value) == len(each)
                and all(fits(item) for fits, item in zip(each, value, strict=True))
            )
        case kind if kind in (Sequence, list, tuple):
            one = _fits(arguments[0])
            return lambda value: isinstance(value, Sequence) and not isinstance(value, _TEXTS) and all(map(one, value))
        case kind if kind is Mapping:
            key, item = map(_fits, arguments)
            return lambda value: isinstance(value, Mapping) and all(map(key, value)) and all(map(item, value.values()))
        case kind if kind is Callable:
            return callable
        case kind if getattr(kind, "_is_protocol", False):
            return lambda value: has_all(value, kind)
        case kind:
            return lambda value: isinstance(value, kind)


def _words(hint: Any) -> str:
    """What may be passed, for a message."""
    arguments = get_args(hint)
    match get_origin(hint) or hint:
        case kind if kind is NoneType:
            return "None"
        case TypeVar() as variable:
            return _words(variable.__bound__)
        case kind if kind in (Union, UnionType):
            return " or ".join(map(_words, arguments))
        case kind if kind is Literal:
            return " or ".join(map(repr, arguments))
        case kind if kind in (int, float):
            return "an int of 64 bits" if kind is int else "a finite number"
        case kind if kind is Coroutine:
            return "a coroutine: call the function, `f(...)`"
        case kind if kind is datetime:
            return "a datetime with a time zone, such as `datetime.now(UTC)`"
        case kind if kind is type:
            if _bounds(arguments[0]) == (object,):
                return "a type, such as a pydantic model or list[int]"
            return "a class made from " + " or ".join(bound.__name__ for bound in _bounds(arguments[0]))
        case kind if kind is tuple and arguments[-1] is not ...:
            return f"a tuple ({', '.join(map(_words, arguments))})"
        case kind if kind in (Sequence, Iterable, list, tuple):
            return f"a list (each item {_words(arguments[0])})"
        case kind if kind is Mapping:
            return f"a mapping (each key {_words(arguments[0])})"
        case kind if kind is Callable:
            return "a function"
        case kind:
            return _a(kind.__name__)


def _bounds(hint: Any) -> tuple[type, ...]:
    """The classes of one of which a class must be made."""
    bound = hint.__bound__ if isinstance(hint, TypeVar) else hint
    several = get_args(bound) if get_origin(bound) in (Union, UnionType) else (bound or object,)
    return tuple(get_origin(one) or one for one in several)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"
