"""Who is asking, and the one gate that says what they may do.

Pages never filter for security and a model never says who asks: every public method takes a viewer, and every object
it touches passes `authorize`. What no line here allows is refused, and a foreign object is refused in the words of a
missing one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.errors import Denied, InvalidInput, NotFound
from core.ids import check_id

Role: TypeAlias = Literal["employee", "auditor", "approver", "knowledge_owner"]
Action: TypeAlias = Literal[
    "thread.create",
    "thread.list",
    "thread.read",
    "thread.write",
    "turn.stop",
    "call.read",
    "call.decide",
    "call.resolve",
    "audit.search",
    "handbooks.keep",
    "gaps.list",
]
Access: TypeAlias = Literal["own", "look"]
ROLES: frozenset[str] = frozenset(("employee", "auditor", "approver", "knowledge_owner"))


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person and their roles; `purpose` is why an auditor looks, and is put on record with each look.

    `country` and `entity` (the company of a group that employs them) say which handbooks hold for them, casefolded;
    None is unknown. The id comes from the session, like all of it. Raises InvalidInput for an id that is no id and a
    role that does not exist.
    """

    id: str
    roles: frozenset[str] = frozenset({"employee"})
    purpose: str | None = None
    country: str | None = None
    entity: str | None = None

    def __init__(
        self,
        id: str,
        roles: Iterable[str] = ("employee",),
        purpose: str | None = None,
        country: str | None = None,
        entity: str | None = None,
    ) -> None:
        object.__setattr__(self, "id", check_id(id, "viewer id"))
        object.__setattr__(self, "roles", frozenset(roles))
        object.__setattr__(self, "purpose", purpose)
        object.__setattr__(self, "country", country.casefold() if country else None)
        object.__setattr__(self, "entity", entity.casefold() if entity else None)
        if unknown := self.roles - ROLES:
            raise InvalidInput(f"no role {', '.join(sorted(unknown))}: the roles are {', '.join(sorted(ROLES))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """An object as the gate sees it: what it is called and whose it is. `owner` None: there is no such object.

    `decider` is set for a call that waits: who must decide it.
    """

    kind: str
    id: str
    owner: str | None
    decider: Literal["asker", "approver"] | None = None


def authorize(viewer: Viewer | None, action: Action, object: Owned | None = None) -> Access:
    """`own`, or `look`: allowed, and the caller commits an audit entry before any content returns.

    Raises NotFound when the viewer may not know of the object, which says the same whether it exists; Denied for an
    action without an object; InvalidInput when an auditor gives no purpose.
    """
    if object is None:
        match viewer, action:
            case Viewer(), "thread.create" | "thread.list" if "employee" in viewer.roles:
                return "own"
            case Viewer(), "audit.search" if "auditor" in viewer.roles:
                return _look(viewer)
            case Viewer(), "call.read" if "approver" in viewer.roles:
                return "look"
            case Viewer(), "handbooks.keep" if "knowledge_owner" in viewer.roles:
                return "own"
            case Viewer(), "gaps.list" if "knowledge_owner" in viewer.roles:
                return "look"
            case _:
                raise Denied(action)
    if viewer is None:
        raise NotFound(object.kind, object.id)
    if object.owner is None:
        if action in ("thread.read", "call.read", "call.resolve") and "auditor" in viewer.roles:
            _look(viewer)  # or an auditor without a purpose would learn, unrecorded, what exists
        raise NotFound(object.kind, object.id)
    mine = viewer.id == object.owner and "employee" in viewer.roles
    match action:
        case "thread.read" | "thread.write" | "turn.stop" | "call.read" if mine:
            return "own"
        case "call.decide" if mine and object.decider == "asker":
            return "own"
        case "call.decide" if object.decider == "approver" and "approver" in viewer.roles and viewer.id != object.owner:
            return "own"
        case "call.read" if object.decider == "approver" and "approver" in viewer.roles and viewer.id != object.owner:
            return "look"
        case "thread.read" | "call.read" if "auditor" in viewer.roles:
            return _look(viewer)
        case "call.resolve" if "auditor" in viewer.roles and viewer.id != object.owner:
            return _look(viewer)
        case _:
            raise NotFound(object.kind, object.id)


def _look(viewer: Viewer) -> Access:
    if not (viewer.purpose or "").strip():
        raise InvalidInput("an auditor's look needs a purpose: Viewer(id, roles, purpose='why you look')")
    return "look"
