"""How long what Rolltop does takes, beside the bare operation: `python -m tests.bench`. docs/speed.md explains it."""
