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


def test_opening_a_store_imports_no_other_technology():
    program = "import sys, backends; backends.MemoryStore(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert {"apsw", "pymongo", "openai", "anthropic", "numpy", "streamlit"}.isdisjoint(done.stdout.split())
