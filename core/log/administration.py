"""The fold of what people decide for the installation, from the entries of `administration:desk`.

These are people's roles and blocks, and the tools and models that are switched off; and when the store was backed up.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from core.clock import iso
from core.errors import Corrupt
from core.log.facts import (
    BackupMade,
    DemoMarked,
    PersonBlocked,
    PersonUnblocked,
    RoleEnded,
    RoleGranted,
    SignInMapped,
    StoreRestored,
    SwitchedOff,
    SwitchedOn,
    fact,
)
from core.log.records import AdministrationRecord, Backup, Block, OffSwitch, Restore, RoleGrant, SignInMapping
from core.values import GENESIS, Entry

K = TypeVar("K")
V = TypeVar("V")

ADMINISTRATION = "administration:desk"
"""The stream that holds what people decide for the installation."""


def nothing_decided() -> AdministrationRecord:
    """The record before the first entry."""
    return AdministrationRecord(
        id="desk", n=0, hash=GENESIS, demo=False, held={}, blocked={}, installed=[], sign_ins=[], off=[]
    )


def fold_administration(record: AdministrationRecord | None, entry: Entry) -> AdministrationRecord:
    """The record after the entry; `record` is None before the first.

    Raises Corrupt, naming stream and n, for an entry that does not follow, or does not belong there.
    """
    record = record or nothing_decided()
    if entry.n != record.n + 1:
        raise Corrupt(entry.stream, entry.n, f"follows entry {record.n}")
    return record.model_copy(update={"n": entry.n, "hash": entry.hash, **_changed(record, entry)})


def _changed(record: AdministrationRecord, entry: Entry) -> dict[str, Any]:  # Any: fields of the record
    match fact(entry):
        case DemoMarked():
            # Only as entry 1, as the fact says.
            return {"demo": record.demo or entry.n == 1}
        case RoleGranted() as granted:
            held = _without(record.held, (granted.person, granted.role))
            held[granted.person, granted.role] = grant = grant_of(entry, granted)
            if grant.basis != "settings":
                return {"held": held}
            return {"held": held, "installed": sorted({*record.installed, grant.person})}
        case RoleEnded(person=person, role=role):
            return {"held": _without(record.held, (person, role))}
        case PersonBlocked() as blocking:
            blocked = _without(record.blocked, blocking.person)
            blocked[blocking.person] = block_of(entry, blocking)
            return {"blocked": blocked}
        case PersonUnblocked(person=person):
            return {"blocked": _without(record.blocked, person)}
        case SignInMapped(mapping=mapping, account=account):
            newest = SignInMapping(since=iso(entry.at), mapping=mapping, account=account)
            return {"sign_ins": [newest, *record.sign_ins[:1]]}
        case SwitchedOff() as switched:
            off = OffSwitch(
                what=switched.what,
                name=switched.name,
                off_at=iso(entry.at),
                by=entry.by,
                why=switched.content.reason if switched.content else None,
                account=switched.account,
            )
            return {"off": [*_others(record, switched), off]}
        case SwitchedOn() as switched:
            return {"off": _others(record, switched)}
        case BackupMade() as made:
            return {"backup": _backup(entry, made)}
        case StoreRestored() as made:
            # The backup that it was made from is the newest one that is known here.
            backup = _backup(entry, made)
            restored = Restore(
                restored_at=iso(entry.at),
                by=entry.by,
                backup=backup,
                turns=made.turns,
                calls=made.calls,
                why=made.content.reason if made.content else None,
            )
            return {"backup": backup, "restored": restored}
        case _:
            raise Corrupt(entry.stream, entry.n, f"{entry.kind} does not belong to the administration")


def grant_of(entry: Entry, granted: RoleGranted) -> RoleGrant:
    """The grant that the entry put on record."""
    return RoleGrant(
        person=granted.person,
        role=granted.role,
        granted_at=iso(entry.at),
        ends_at=granted.until,
        by=entry.by,
        basis=granted.basis,
        why=granted.content.reason if granted.content else None,
        account=granted.account,
    )


def block_of(entry: Entry, blocked: PersonBlocked) -> Block:
    """The block that the entry put on record."""
    return Block(
        person=blocked.person,
        blocked_at=iso(entry.at),
        by=entry.by,
        why=blocked.content.reason if blocked.content else None,
        account=blocked.account,
    )


def _backup(entry: Entry, made: BackupMade | StoreRestored) -> Backup:
    return Backup(
        taken_at=made.taken_at, by=entry.by, manifest=made.manifest, entries=made.entries, account=made.account
    )


def _without(kept: Mapping[K, V], key: K) -> dict[K, V]:
    """A copy without the key: what is kept for it anew comes last."""
    copy = dict(kept)
    copy.pop(key, None)
    return copy


def _others(record: AdministrationRecord, switched: SwitchedOff | SwitchedOn) -> list[OffSwitch]:
    return [one for one in record.off if (one.what, one.name) != (switched.what, switched.name)]
