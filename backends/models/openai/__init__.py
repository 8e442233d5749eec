"""Models of OpenAI, and of servers that speak as it does."""

from backends.extras import require

require("openai")
