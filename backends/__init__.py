"""One technology per file, each behind a contract of core's; a URL picks the store and the model."""

from backends.models.opening import open_model
from backends.stores.opening import open_store

__all__ = ["open_model", "open_store"]
