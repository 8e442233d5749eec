"""The names that an application imports: each is there, and none costs a package that it does not need."""

import subprocess
import sys

import pytest

import backends
import core


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
