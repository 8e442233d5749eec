"""A URL picks the embedder, and what cannot be opened says what would have been."""

import subprocess
import sys

import pytest

from backends.vectors.opening import open_embedder
from core.errors import InvalidInput
from tests.support.desks import PATIENCE


def test_none_is_no_embedder() -> None:
    assert open_embedder("none:") is None


async def test_static_is_the_bundled_one_and_names_its_table() -> None:
    embedder = open_embedder("static:")
    assert embedder is not None
    assert embedder.name.startswith("static:#")
    assert embedder.dimension == 256
    await embedder.close()


@pytest.mark.parametrize(
    "url",
    ["", "static", "static:large", "none:x", "none", "folder:", "openai:", "pinecone:", "cohere:embed", "/models"],
)
def test_any_other_url_is_an_error_that_names_those_there_are(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"static:, none:, folder:/path, openai:MODEL and pinecone:MODEL"):
        open_embedder(url)


def test_an_embedder_needs_no_package_of_another_one() -> None:
    program = (
        "import sys; from backends.vectors.opening import open_embedder; open_embedder('static:'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert {"openai", "pinecone", "wordllama"}.isdisjoint(done.stdout.split())
