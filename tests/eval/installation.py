"""A folder of handbooks taken in and made searchable by the product's own code, in a catalogue that is soon gone.

Parts of search can be left out. Where the retriever has no switch for one, what it is given does nothing.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Literal, TypeAlias, get_args

from backends.handbooks.catalogue.catalogue import Catalogue
from backends.handbooks.ingest.files import gather
from backends.handbooks.ingest.ingest import IngestReport, ingest
from backends.handbooks.search.retriever import HandbookRetriever
from backends.handbooks.search.synonyms import Synonyms
from backends.handbooks.vector_indexes import open_vectors
from backends.vectors.contracts import Embedder, VectorIndex
from backends.vectors.opening import open_embedder
from backends.vectors.static.tokens import StaticTokens

Part: TypeAlias = Literal["words", "vectors", "tokens", "synonyms", "spelling"]
PARTS: tuple[Part, ...] = get_args(Part)
STATIC = "static:"


class Installation:
    """A catalogue and what it was made with. `files` has each document's path below the folder, by its id.

    `seconds` is what taking it in took. Refused files are in the `report`.
    """

    def __init__(
        self,
        catalogue: "_Catalogue",
        embedder: Embedder | None,
        vectors: VectorIndex,
        tokens: StaticTokens | None,
        files: Mapping[str, str],
        report: IngestReport,
        seconds: float,
    ) -> None:
        self.catalogue, self.files, self.report, self.seconds = catalogue, files, report, seconds
        self._embedder, self._vectors, self._tokens = embedder, vectors, tokens

    @property
    def refused(self) -> list[str]:
        """The files that are not searched, and why."""
        return [f"{one.document}: {one.reason}" for one in self.report.documents if one.status in ("refused", "failed")]

    @property
    def passages(self) -> int:
        return sum(one.passages for one in self.report.documents)

    def retriever(self, without: Collection[Part] = (), today: date | None = None) -> HandbookRetriever:
        """One at a time: the words are left out for all retrievers of an installation at once."""
        self.catalogue.wordless = "words" in without
        embeds = "vectors" not in without and self._embedder is not None
        return HandbookRetriever(
            self.catalogue,
            vectors=self._vectors if embeds else None,
            embedder=self._embedder if embeds else None,
            tokens=None if "tokens" in without else self._tokens,
            synonyms=_synonyms(without),
            today=lambda: today or datetime.now(UTC).date(),
        )


@asynccontextmanager
async def installed(folder: Path, *, home: Path, embedder: str = STATIC) -> AsyncIterator[Installation]:
    """The folder's handbooks in a catalogue in `home`. Tokens are matched wherever there are vectors.

    Raises InvalidInput for an embedder that cannot be opened. A file that cannot be read is left out.
    """
    async with AsyncExitStack() as stack:
        opened = open_embedder(embedder)
        if opened is not None:
            stack.push_async_callback(opened.close)
        catalogue = _Catalogue(home / "catalogue.db")
        stack.callback(catalogue.close)
        vectors = open_vectors("local:", catalogue, opened)
        stack.push_async_callback(vectors.close)
        tokens = StaticTokens.bundled() if opened is not None else None
        begun = perf_counter()
        report = await ingest(catalogue, [folder], embedder=opened, vectors=vectors, tokens=tokens)
        seconds = perf_counter() - begun
        files = {file.document: file.name for file in gather([folder], None, (), {})[0]}
        yield Installation(catalogue, opened, vectors, tokens, files, report, seconds)


class _Catalogue(Catalogue):
    """A catalogue in which, while it is `wordless`, no word is found."""

    wordless = False

    def words(
        self, match: str, versions: Sequence[int], limit: int, weights: tuple[float, float, float]
    ) -> list[tuple[int, float]]:
        return [] if self.wordless else super().words(match, versions, limit, weights)


class _EveryWord(set[str]):
    """What a list of all words there are would be: nothing is misspelt."""

    def __contains__(self, word: object) -> bool:
        return True


def _synonyms(without: Collection[Part]) -> Synonyms:
    """The bundled list, or none; what is known to be no mistake stays the same, unless every word is."""
    bundled = Synonyms.bundled()
    kept = Synonyms(()) if "synonyms" in without else bundled
    kept.words = _EveryWord() if "spelling" in without else bundled.words
    return kept
