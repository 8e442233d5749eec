# What a change is checked with. `pip install -e '.[dev]'` brings `just` too.

# Every recipe
default:
    @just --list

# Lint, format, types, layers, prose
lint:
    ruff check .
    ruff format --check .
    mypy
    lint-imports
    python -m tests.prose --quiet

# A minute: lint, and the tests that need no browser, no server and no long exploration
fast: lint
    pytest -q -m "not browser and not slow" tests/turn tests/desk tests/retrieval tests/stores/test_store_memory.py tests/models/test_scripted.py

# Every test
test:
    pytest

# The long rounds
torture:
    pytest -m torture

# The console, as a newcomer starts it
console:
    streamlit run console
