"""Stores in MongoDB."""

from backends.extras import require

require("mongodb")
