"""The names that an application imports: each is there, and none costs a package that it does not need."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import pytest

import backends
import core
import core.gate
import core.live.events
import core.model
import core.store
import core.values
from core.log.audit import AuditLog
from core.worker.recovery import Recovery

INSIDE = {AuditLog, Recovery}
"""What only a Desk passes to its parts."""

MADE = {backends.Handbooks, backends.HandbookRetriever, backends.MongoStore}
"""Classes that the functions `open_...` make, from parts that an application does not name."""


@pytest.mark.parametrize("package", [backends, core], ids=lambda package: package.__name__)
def test_every_public_name_can_be_imported(package):
    assert [name for name in package.__all__ if getattr(package, name, None) is None] == []


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'NoSuchStore'"):
        backends.NoSuchStore  # noqa: B018 # reading it is the test


def printed(program):
    """The words that this Python program prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def test_opening_a_store_imports_no_other_technology():
    modules = printed("import sys, backends; backends.MemoryStore(); print(*sys.modules)")
    assert {"apsw", "pymongo", "openai", "anthropic", "numpy", "streamlit"}.isdisjoint(modules)


def test_importing_core_imports_nothing_that_only_some_programs_need():
    modules = printed("import sys, core; print(*sys.modules)")
    assert {"jsonschema", "psutil", "streamlit", "httpx", "numpy", "apsw", "pymongo"}.isdisjoint(modules)


def test_importing_core_compiles_no_model():
    compiled = printed(
        """
import gc, core, backends
from pydantic import TypeAdapter
from core.values import Value

models = [Value]
for model in models:
    models += model.__subclasses__()
assert len(models) > 50, "the walk found too few models"
adapters = [one for one in gc.get_objects() if isinstance(one, TypeAdapter)]
assert adapters, "the walk found no adapter"
print(*(model.__name__ for model in models if model.__pydantic_complete__))
print(*(adapter for adapter in adapters if adapter.pydantic_complete))
"""
    )
    assert compiled == []


def parts(hint: Any) -> Iterator[Any]:
    """A type, and all that it is made of."""
    yield hint
    yield get_origin(hint)
    if isinstance(hint, TypeVar):
        yield from parts(hint.__bound__)
    for argument in get_args(hint):
        for one in argument if isinstance(argument, list) else [argument]:
            yield from parts(one)


def signatures(package: Any) -> Iterator[tuple[str, Any]]:
    """Each type in a public signature of the package, beside where it stands."""
    known = {"Desk": core.Desk}  # a module that a Desk imports names it for the type checker only
    for name in package.__all__:
        public = getattr(package, name)
        if not inspect.isclass(public):
            hints = (
                get_type_hints(public, {**inspect.unwrap(public).__globals__, **known})
                if inspect.isfunction(public)
                else {}
            )
            yield from ((name, hint) for hint in [public, *hints.values()])
            continue
        fields = get_type_hints(public, None, known).items()
        yield from ((f"{name}.{field}", hint) for field, hint in fields if not field.startswith("_"))
        for member, value in inspect.getmembers(public):
            function = value.fget if isinstance(value, property) else value
            if not inspect.isfunction(function) or function.__module__.partition(".")[0] not in ("core", "backends"):
                continue
            if member.startswith("_") and (member != "__init__" or public in MADE):
                continue
            hints = get_type_hints(function, {**inspect.unwrap(function).__globals__, **known})
            yield from ((f"{name}.{member}", hint) for hint in hints.values())


def named(module: Any) -> dict[Any, str]:
    """The unions and literals that a module gives a name."""
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {value: name for name, value in public.items() if get_args(value) and not isinstance(value, type)}


@pytest.mark.parametrize("package", [backends, core], ids=lambda package: package.__name__)
def test_every_type_in_a_public_signature_is_a_public_name(package):
    public = [getattr(one, name) for one in (core, backends) for name in one.__all__]
    contracts = (core.gate, core.live.events, core.model, core.store, core.values)
    aliases = {value: name for module in contracts for value, name in named(module).items()}
    missing = {}
    for where, hint in signatures(package):
        for one in parts(hint):
            ours = inspect.isclass(one) and one.__module__.partition(".")[0] in ("core", "backends")
            alias = None if inspect.isclass(one) or get_origin(one) is None else aliases.get(one)
            if (ours or alias) and one not in public and one not in INSIDE:
                missing.setdefault(alias or f"{one.__module__}.{one.__name__}", where)
    assert missing == {}
