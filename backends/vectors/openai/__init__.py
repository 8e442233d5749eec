"""Vectors from OpenAI."""

from backends.extras import require

require("openai")
