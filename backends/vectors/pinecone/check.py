"""Whether a Pinecone namespace holds what the catalogue says, and how it is put right.

The catalogue decides: a record that it lacks is removed, and a passage that it has is put, over a record of another
version, too.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from backends.vectors.contracts import Item
from backends.vectors.pinecone.index import PineconeVectors
from core.errors import InvalidInput

_PUT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Ids: `orphans` are only in Pinecone, `missing` only in the catalogue, `misnumbered` have another version there.

    `dimension` is the index's own if it is not the expected one: then all its vectors are useless.
    """

    orphans: Sequence[str] = ()
    missing: Sequence[str] = ()
    misnumbered: Sequence[str] = ()
    dimension: int | None = None

    @property
    def good(self) -> bool:
        return not (self.orphans or self.missing or self.misnumbered or self.dimension)


async def check(vectors: PineconeVectors, expected: Mapping[str, int], dimension: int | None) -> Findings:
    """Compare with `expected`: the version of every passage in the catalogue, those of staged versions too.

    `dimension` None is not compared. Directly after a change the findings may be out of date; to repair those is
    harmless. Raises as `PineconeVectors`.
    """
    held = await vectors.ids()
    shared = [key for key in held if key in expected]
    versions = await vectors.versions(shared)
    actual = await vectors.dimension()
    return Findings(
        orphans=[key for key in held if key not in expected],
        missing=sorted(expected.keys() - set(held)),
        misnumbered=[key for key in shared if versions.get(key, expected[key]) != expected[key]],
        dimension=actual if actual is not None and dimension not in (None, actual) else None,
    )


async def repair(
    vectors: PineconeVectors, findings: Findings, items: Callable[[Sequence[str]], Awaitable[Sequence[Item]]]
) -> None:
    """Mend what `check` found. `items` gives the catalogue's passages of these ids, with vectors if they are needed.

    Raises InvalidInput if the dimension is wrong, which only a new index can mend; otherwise as `PineconeVectors`.
    """
    if findings.dimension is not None:
        name = vectors.address.index
        raise InvalidInput(
            f"the Pinecone index {name} takes vectors of {findings.dimension}: delete it, or name another"
        )
    await vectors.remove(findings.orphans)
    wanted = [*findings.missing, *findings.misnumbered]
    for start in range(0, len(wanted), _PUT):
        await vectors.put(await items(wanted[start : start + _PUT]))
