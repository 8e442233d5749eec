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

# A minute: lint, and the quick tests
fast: lint
    pytest -q tests/turn/test_turn.py tests/turn/test_tools.py tests/turn/test_requests.py tests/retrieval \
        tests/desk/test_chat.py tests/desk/test_gate.py tests/stores/test_store_memory.py tests/models/test_scripted.py

# Every test
test:
    pytest

# The long rounds
torture:
    pytest -m torture

# How fast it is, beside bare operations
bench *parts:
    python -m tests.bench {{parts}}

# The console, as a newcomer starts it
console:
    streamlit run console
