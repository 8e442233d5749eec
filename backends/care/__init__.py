"""Recognises people in need."""

from backends.extras import require

require("handbooks")
