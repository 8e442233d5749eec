"""The records that lists, filters and statistics read. Each is a pure fold of a thread's entries up to its `n`.

All that a record holds follows from its log, so any record can be deleted and folded again. Times are `core.clock.iso`
texts, money is an integer of nano-USD. None is unknown, or not yet known. All records are imported from here.

Beside each time of a record stands the same time as a datetime in UTC: `created_time` for `created_at`, `time` for
`at`, `expires_time` for `expires`. `cost_usd` is `cost` in USD. Neither is a field.
"""

from typing import Any, TypeAlias, TypeVar

from core.errors import Corrupt
from core.ids import KINDS_OF_STREAM
from core.log.records.administration import (
    AdministrationRecord,
    Backup,
    Block,
    OffSwitch,
    Restore,
    RoleGrant,
    SignInMapping,
)
from core.log.records.audit import Look
from core.log.records.filters import MAX_FILTER, filter_text
from core.log.records.handover import HandoverRecord
from core.log.records.model_calls import ModelCall, Retrieval, Summary
from core.log.records.open_turn import OpenCall, OpenDeferred, OpenModelCall, OpenTurn
from core.log.records.person import Person
from core.log.records.review import Given, Review
from core.log.records.spending import Admission, Spending
from core.log.records.thread import MAX_DISTINCT, Thread
from core.log.records.tool_calls import MAX_LATER, Decision, DeferredCall, ToolCall, carrying_call
from core.log.records.totals import Totals
from core.log.records.turn import MAX_SEEN, Imported, Message, Seen, Turn, Version, Wait
from core.store import In, Query, Record

FOLD = 9
"""The version of the fold. It grows when records get fields that older ones lack: their logs are then folded again."""

OUTDATED = {
    kind: Query(kind=kind, where={"fold": In((None, *range(1, FOLD)))})
    for kind, of in KINDS_OF_STREAM.items()
    if of.numbered
}
"""By kind of stream the heads of those whose records an older fold made."""


Item: TypeAlias = Thread | Turn | Message | ToolCall | ModelCall | Retrieval | Summary | HandoverRecord | DeferredCall
I = TypeVar(  # noqa: E741  # an item
    "I",
    Thread,
    Turn,
    Message,
    ToolCall,
    ModelCall,
    Retrieval,
    Summary,
    HandoverRecord,
    DeferredCall,
    Review,
    Look,
    Person,
    Spending,
)
Stored: TypeAlias = Item | Review | Look | Person | AdministrationRecord | Spending


def record_kind(item_type: type[Stored]) -> str:
    """The kind under which a store keeps records of this type."""
    return str(item_type.model_fields["kind"].default)


_TYPES: dict[str, type[Any]] = {record_kind(item_type): item_type for item_type in Item.__args__}


def record(item: Stored) -> Record:
    """The record in the form that a store keeps; `item` is the way back."""
    return Record(
        kind=item.kind, id=item.id, n=item.n, fields=item.model_dump(mode="json", exclude={"kind", "id", "n"})
    )


def item(record: Record) -> Item:
    """The value that `record` stored. Raises Corrupt for another kind of record, and for fields that do not fit."""
    if record.kind not in _TYPES:
        raise Corrupt(f"record {record.kind}", record.n, "has an unknown kind")
    read: Item = item_of(_TYPES[record.kind], record)
    return read


def item_of(kind: type[I], record: Record) -> I:
    """`item`, for a record whose type is known. Raises Corrupt also if the record is of another type."""
    try:
        return kind.model_validate({**record.fields, "kind": record.kind, "id": record.id, "n": record.n})
    except ValueError as error:
        raise Corrupt(f"record {record.kind}:{record.id}", record.n, "does not fit: rebuild the records") from error
