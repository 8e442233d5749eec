"""One technology per file, each behind a contract of core's; `open_store` picks one by URL."""

from backends.stores import open_store

__all__ = ["open_store"]
