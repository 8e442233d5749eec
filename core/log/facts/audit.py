"""The facts of an audit log: looks and denials."""

from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.log.facts.base import Fact
from core.values import Account, Value


class LookContent(Value):
    purpose: str
    words: str = ""


class Looked(Fact):
    """A look at another person's object, recorded before its content is returned. `object` is None for a search.

    `owners` are the people whose content an export or a list of requests holds, `manifest` is the digest of the
    export's manifest. `roles` are those of the viewer at that time, sorted. `account` is set if a command looked.
    """

    V: ClassVar[int] = 4  # 3: `roles`; 4: `account`

    kind: Literal["audit.looked"] = "audit.looked"
    action: str
    object: str | None
    owner: str | None
    filters: dict[str, Json] = Field(default_factory=dict)
    owners: list[str] = Field(default_factory=list)
    manifest: str | None = None
    roles: list[str] = Field(default_factory=list)
    account: Account | None = None
    content: LookContent | None


class LookDenied(Fact):
    """A viewer was denied an action. `object` is None for an action on many objects.

    A foreign object and a missing one make the same entry. `more` above 0 counts further denials, which are not on
    record one by one: all of them since the counting began, as far as they were counted. `action` is the last one's.
    `account` is set if a command was denied.
    """

    V: ClassVar[int] = 2  # `account`

    kind: Literal["audit.denied"] = "audit.denied"
    action: str
    object: str | None
    more: int = 0
    account: Account | None = None
