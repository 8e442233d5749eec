"""Handbooks: read, kept and searched."""

from backends.extras import require

require("handbooks")
