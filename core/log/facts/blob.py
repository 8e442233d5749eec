"""The fact of a `blob:` stream."""

from typing import Literal

from core.canonical import Json
from core.log.facts.base import Fact
from core.values import Value


class BlobContent(Value):
    value: Json


class Blob(Fact):
    kind: Literal["blob"] = "blob"
    content: BlobContent | None
