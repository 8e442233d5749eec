"""Stores in a SQLite file."""

from backends.extras import require

require("sqlite")
