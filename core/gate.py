"""The viewer, and the one gate that decides what a viewer may do.

Every public method takes a viewer, and every object it touches passes `authorize`. An action that is not listed there
is refused. Pages never filter for security, and a model never names the asker.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from core.arguments import checked
from core.errors import Denied, InvalidInput, NotFound
from core.ids import check_user_id

Role: TypeAlias = Literal[
    "employee", "auditor", "approver", "knowledge_owner", "handler", "data_protection_officer", "administrator"
]
Action: TypeAlias = Literal[
    "thread.create",
    "thread.list",
    "thread.read",
    "thread.write",
    "turn.stop",
    "call.read",
    "call.decide",
    "call.withdraw",
    "call.resolve",
    "answer.judge",
    "seal.lift",
    "audit.search",
    "person.search",
    "figures.read",
    "usage.read",
    "export",
    "audit.list",
    "sealed.list",
    "handbooks.keep",
    "gaps.list",
    "person.read",
    "person.write",
    "calls.count",
    "roles.list",
    "roles.grant",
    "people.block",
    "system.read",
    "store.copy",
    "store.backup",
    "store.restore",
    "store.rebuild",
    "tools.list",
    "tools.switch",
    "limits.list",
    "desk.use",  # any use of the desk, as it is denied to a person who is blocked
]
Access: TypeAlias = Literal["own", "look", "named_look"]
Scope: TypeAlias = Literal["all", "own", "others", "requests", "sealed"]
_LOOKS = frozenset(("thread.read", "call.read", "call.resolve", "answer.judge", "seal.lift"))
ROLES: frozenset[str] = frozenset(get_args(Role))


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person: take all of it from the session, never from a model or a form.

    `id` is the person's id as your directory has it, such as `auth0|5f7c`, `CORP\\e1042` or `josé@firma.de`: a text of
    1 to 128 characters, without control characters, and without blanks at its ends. Upper and lower case differ. It is
    kept in Unicode's normal form NFC, so that two spellings of one id are one person. Numbers are not ids: pass
    `str(number)`.

    `roles` are of ROLES. `purpose` is why an auditor, a handler or a data protection officer looks; each look puts it
    on record. `country` and `entity` (the company of a group that employs the person) select the handbooks that apply;
    they are casefolded, None is unknown. Raises InvalidInput for an invalid id or an unknown role.
    """

    id: str
    roles: frozenset[str] = frozenset({"employee"})
    purpose: str | None = None
    country: str | None = None
    entity: str | None = None

    def __repr__(self) -> str:
        # Without the purpose, which may name a person or a complaint: this text ends up in logs.
        return f"Viewer({self.id!r}, roles={sorted(self.roles)})"

    @checked()
    def __init__(
        self,
        id: str,
        roles: Iterable[str] = ("employee",),
        purpose: str | None = None,
        country: str | None = None,
        entity: str | None = None,
    ) -> None:
        object.__setattr__(self, "id", check_user_id(id))
        object.__setattr__(self, "roles", frozenset(roles))
        object.__setattr__(self, "purpose", purpose)
        object.__setattr__(self, "country", country.casefold() if country else None)
        object.__setattr__(self, "entity", entity.casefold() if entity else None)
        if unknown := self.roles - ROLES:
            raise InvalidInput(f"unknown role {', '.join(sorted(unknown))}: the roles are {', '.join(sorted(ROLES))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """An object as the gate sees it: its name and its owner's id. `owner` is None if the object does not exist.

    `decider` is set for a tool call that waits for a decision: the asker, or an approver. `sealed`: its thread is
    closed to auditors, and open to handlers instead.
    """

    kind: str
    id: str
    owner: str | None
    decider: Literal["asker", "approver"] | None = None
    sealed: bool = False


def authorize(viewer: Viewer | None, action: Action, object: Owned | None = None) -> Access:
    """Check the action: `own` allows it; `look` allows it once the caller has committed an audit entry.

    What a `look` returns names the owner by a pseudonym. `named_look` is a look with the owner's id: an approver
    decides about a person.

    `object` None is an action on many objects, such as a search. Raises NotFound if the viewer may not see the object
    or it does not exist, Denied for a forbidden action without an object, InvalidInput if the purpose of an auditor
    or a handler is missing.
    """
    if object is None:
        match viewer, action:
            # What is kept about the viewer; nobody may ask for another person's.
            case Viewer(), "thread.create" | "thread.list" | "person.read" | "person.write" if (
                "employee" in viewer.roles
            ):
                return "own"
            case Viewer(), "audit.search" | "person.search" | "figures.read" | "export" if "auditor" in viewer.roles:
                return _look(viewer)
            case Viewer(), "figures.read" if "data_protection_officer" in viewer.roles:
                return _look(viewer)
            case Viewer(), "usage.read" if "administrator" in viewer.roles:
                return "look"
            case Viewer(), "usage.read" if "auditor" in viewer.roles:
                return _look(viewer)
            # The looks of all people; other viewers that look may read what is on record of their own looks.
            case Viewer(), "audit.list" if "data_protection_officer" in viewer.roles:
                return _look(viewer)
            case Viewer(), "audit.list" if not viewer.roles.isdisjoint(("auditor", "handler", "approver")):
                return "own"
            case Viewer(), "sealed.list" if "handler" in viewer.roles:
                return _look(viewer)
            case Viewer(), "call.read" if "approver" in viewer.roles:
                return "named_look"
            # A number says nothing about anybody, so it is not a look.
            case Viewer(), "calls.count" if "approver" in viewer.roles:
                return "own"
            case Viewer(), "handbooks.keep" if "knowledge_owner" in viewer.roles:
                return "own"
            case Viewer(), "gaps.list" if "knowledge_owner" in viewer.roles:
                return "look"
            # What an administrator decides is on record with its reason, which is more than a look would be.
            case Viewer(), "roles.grant" | "people.block" | "tools.switch" if "administrator" in viewer.roles:
                return "own"
            case Viewer(), "roles.list" | "tools.list" | "limits.list" | "system.read" if (
                "administrator" in viewer.roles
            ):
                return "look"
            # They show no content, but a copy takes all of it to another place.
            case Viewer(), "store.copy" | "store.backup" | "store.restore" | "store.rebuild" if (
                "administrator" in viewer.roles
            ):
                return _look(viewer)
            case _:
                raise Denied(action)
    if viewer is None:
        raise NotFound(object.kind, object.id)
    if object.owner is None:
        raise _hidden(viewer, action, object)
    # The owner's id alone is not enough: the role of an employee may have been taken away since.
    mine = viewer.id == object.owner and "employee" in viewer.roles
    reader = ("handler" if object.sealed else "auditor") in viewer.roles
    match action:
        case "thread.read" | "thread.write" | "turn.stop" | "call.read" | "call.withdraw" if mine:
            return "own"
        case "call.decide" if mine and object.decider == "asker":
            return "own"
        case "call.decide" if object.decider == "approver" and "approver" in viewer.roles and viewer.id != object.owner:
            return "own"
        case "call.read" if object.decider == "approver" and "approver" in viewer.roles and viewer.id != object.owner:
            return "named_look"
        case "thread.read" | "call.read" if reader:
            return _look(viewer)
        # An unknown call is resolved by an auditor other than the asker, who may have an interest in the outcome. For
        # the same reason people do not judge the answers to their own questions. Nor may a handler open their own
        # thread to auditors, or keep it closed.
        case "call.resolve" | "answer.judge" if reader and viewer.id != object.owner:
            return _look(viewer)
        case "seal.lift" if object.sealed and reader and viewer.id != object.owner:
            return _look(viewer)
        case _:
            raise _hidden(viewer, action, object)


def may(viewer: Viewer, action: Action, object: Owned) -> bool:
    """Whether the action is allowed, for a row of a list: the list itself has been allowed and is on record."""
    try:
        authorize(viewer, action, object)
    except NotFound:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """An action that a role alone may do: `own` as it is, or as a look, which is put on record.

    `of` says with which objects: `all` is one act for many, `own` are the viewer's, `others` those of other people,
    `requests` calls of others that wait for an approver, `sealed` what is in threads that are closed to auditors.
    """

    action: Action
    of: Scope
    access: Access


def permissions(role: Role) -> list[Permission]:
    """All that the gate allows to a viewer of this role alone with a purpose, in the order of `Action`."""
    viewer = Viewer("someone", {role}, purpose="preview")
    foreign = Owned(kind="any", id="any", owner="another")
    objects: dict[Scope, Owned | None] = {
        "all": None,
        "own": replace(foreign, owner=viewer.id, decider="asker"),
        "others": foreign,
        "requests": replace(foreign, decider="approver"),
        "sealed": replace(foreign, sealed=True),
    }
    allowed: list[Permission] = []
    for action in get_args(Action):
        for of, owned in objects.items():
            with suppress(Denied, NotFound):
                allowed.append(Permission(action=action, of=of, access=authorize(viewer, action, owned)))
    return allowed


def _hidden(viewer: Viewer, action: Action, object: Owned) -> Exception:
    """The error for an object that the viewer may not see, the same as for a missing one."""
    if action in _LOOKS and not viewer.roles.isdisjoint(("auditor", "handler")):
        # A purpose is needed for these objects too. Without this check the errors would differ, and a viewer without
        # a purpose could find out, unrecorded, which objects exist and which are sealed.
        _look(viewer)
    return NotFound(object.kind, object.id)


def _look(viewer: Viewer) -> Access:
    if not (viewer.purpose or "").strip():
        raise InvalidInput("a look needs a purpose: Viewer(id, roles, purpose='why you look')")
    return "look"
