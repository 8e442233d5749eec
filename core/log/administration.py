"""The fold of what people decide for the installation, from the entries of `administration:desk`: roles and blocks."""

from typing import Any

from core.clock import iso
from core.errors import Corrupt
from core.log.facts import (
    DemoMarked,
    PersonBlocked,
    PersonUnblocked,
    RoleEnded,
    RoleGranted,
    SignInMapped,
    fact,
)
from core.log.records import AdministrationRecord, Block, RoleGrant, SignInMapping
from core.values import GENESIS, Entry

ADMINISTRATION = "administration:desk"
"""The stream that holds what people decide for the installation."""


def nothing_decided() -> AdministrationRecord:
    """The record before the first entry."""
    return AdministrationRecord(id="desk", n=0, hash=GENESIS, demo=False, grants=[], blocks=[], installed=[])


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
            grant = RoleGrant(
                person=granted.person,
                role=granted.role,
                granted_at=iso(entry.at),
                ends_at=granted.until,
                by=entry.by,
                basis=granted.basis,
                why=granted.content.reason if granted.content else None,
                account=granted.account,
            )
            others = [one for one in record.grants if (one.person, one.role) != (grant.person, grant.role)]
            installed = {*record.installed, grant.person} if grant.basis == "settings" else record.installed
            return {"grants": [*others, grant], "installed": sorted(installed)}
        case RoleEnded(person=person, role=role):
            return {"grants": [one for one in record.grants if (one.person, one.role) != (person, role)]}
        case PersonBlocked() as blocked:
            block = Block(
                person=blocked.person,
                blocked_at=iso(entry.at),
                by=entry.by,
                why=blocked.content.reason if blocked.content else None,
                account=blocked.account,
            )
            return {"blocks": [*(one for one in record.blocks if one.person != block.person), block]}
        case PersonUnblocked(person=person):
            return {"blocks": [one for one in record.blocks if one.person != person]}
        case SignInMapped(mapping=mapping, account=account):
            newest = SignInMapping(since=iso(entry.at), mapping=mapping, account=account)
            return {"sign_ins": [newest, *record.sign_ins[:1]]}
        case _:
            raise Corrupt(entry.stream, entry.n, f"{entry.kind} does not belong to the administration")
