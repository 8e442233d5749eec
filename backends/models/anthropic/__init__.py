"""Models of Anthropic."""

from backends.extras import require

require("anthropic")
