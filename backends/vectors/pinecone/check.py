"""Whether a Pinecone namespace holds what the catalogue says, and how it is put right.

The catalogue is the truth: what it does not have is removed, and what it has is put, over a record of another version
too.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from backends.vectors.contracts import Item
from backends.vectors.pinecone.index import PineconeVectors
from core.errors import InvalidInput

_PUT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Ids: `orphans` the catalogue has not, `missing` Pinecone has not, `misnumbered` are of another version there.

    `dimension` is the index's where it is not the expected one: then nothing in it is of use.
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

    `dimension` None is not compared. Directly after a change it may find what is not so any more; to repair that does
    no harm. Raises as `PineconeVectors`.
    """
    held = await vectors.ids()
    known = [id for id in held if id in expected]
    versions = await vectors.versions(known)
    there = await vectors.dimension()
    return Findings(
        orphans=[id for id in held if id not in expected],
        missing=sorted(expected.keys() - set(held)),
        misnumbered=[id for id in known if versions.get(id, expected[id]) != expected[id]],
        dimension=there if there is not None and dimension not in (None, there) else None,
    )


async def repair(
    vectors: PineconeVectors, findings: Findings, items: Callable[[Sequence[str]], Awaitable[Sequence[Item]]]
) -> None:
    """Do away with what `check` found. `items` gives the catalogue's passages of these ids, with vectors where needed.

    Raises InvalidInput where the dimension is wrong, which a new index alone puts right; else as `PineconeVectors`.
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
