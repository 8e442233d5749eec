"""Vectors of texts, and where they come from."""

from backends.extras import require

require("handbooks")
