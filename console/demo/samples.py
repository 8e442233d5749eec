"""The sample handbooks: which documents of a catalogue they are, and when they leave its search.

A sample is recognised by its content: its folder may have moved, and a document of the same name may be the user's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from backends.handbooks.catalogue.versions import DocumentRecord, VersionRecord
from backends.handbooks.service import Handbooks
from console.keeper import DESK_KEEPER

SAMPLES = Path(__file__).resolve().parents[2] / "sample_handbooks"
CARDS = Path(__file__).with_name("care")

# Every sample that was ever shipped. A line stays when its file changes: older catalogues hold the older content.
_LIST = Path(__file__).with_name("sample_handbooks.sha256")
_DIGESTS = frozenset(line.split()[0] for line in _LIST.read_text().splitlines())


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCount:
    """How many sample handbooks a catalogue answers from, superseded ones too, and how many were withdrawn."""

    answering: int
    withdrawn: int


def is_sample(version: VersionRecord) -> bool:
    """Whether the version is a sample handbook, whatever its document is called."""
    return version.hash in _DIGESTS


def holds_own(documents: Iterable[DocumentRecord]) -> bool:
    """Whether any version is not a sample's. Removed and half-imported versions count, too."""
    return any(not is_sample(version) for document in documents for version in document.versions)


def count_samples(documents: Iterable[DocumentRecord]) -> SampleCount:
    """The sample handbooks among these documents."""
    states = [version.state for document in documents for version in document.versions if is_sample(version)]
    withdrawn = states.count("removed")
    return SampleCount(answering=len(states) - withdrawn - states.count("staged"), withdrawn=withdrawn)


async def withdraw_samples(handbooks: Handbooks, *, demo: bool) -> int:
    """Take the sample handbooks out of search if they do not belong there, and return how many.

    They belong in a demo until another document is published, and never in any other store.
    """
    published = [
        version
        for document in await handbooks.documents(DESK_KEEPER)
        for version in document.versions
        if version.state != "staged"
    ]
    if demo and all(is_sample(version) for version in published):
        return 0
    samples = [version.row for version in published if version.state != "removed" and is_sample(version)]
    if samples:
        await handbooks.withdraw(DESK_KEEPER, samples)
    return len(samples)
