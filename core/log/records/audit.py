"""An entry of an audit log."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from core.canonical import Json
from core.clock import Time
from core.values import Account, Value


class Look(Value):
    """One entry of an audit log: a look, a search, an export or a denial.

    `by` is the viewer. `object` is `kind:id`, None for a search; `owners` are the people whose content it showed, []
    for a list. `roles` are the viewer's at that time, [] if they are not on record. `denied`: it was refused; `more`
    counts the denials that are not on record one by one. `purpose` and `words` are None once erased, and for a denial.
    `account` is that of a command.
    """

    kind: Literal["look"] = "look"
    id: str
    n: int
    by: str
    at: str
    action: str
    object: str | None
    owners: list[str]
    denied: bool
    more: int
    filters: dict[str, Json]
    manifest: str | None
    purpose: str | None
    words: str | None
    roles: list[str] = Field(default_factory=list)
    account: Account | None = None

    time: ClassVar = Time[datetime]("at")
