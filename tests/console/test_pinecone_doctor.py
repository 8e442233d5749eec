"""Handbooks taken in with their vectors in Pinecone, and what `rolltop doctor` finds and mends there: as processes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pinecone import Pinecone

from tests.console.test_command_line import rolltop
from tests.support.grants import make_store
from tests.support.handbook_folders import handbook, write
from tests.support.paths import ROOT

PAY = handbook("Pay", "Day\nSalaries are paid on the 28th.", effective="2026-01-01")
LEAVE = handbook("Leave", "Days\nThere are 28 days.", effective="2026-01-01")


@pytest.fixture
def host() -> Iterator[str]:
    """The stand-in's address, as a process of its own."""
    command = [sys.executable, "-m", "tests.servers.pinecone", "--port", "0", "--key", "a-key"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def settings(tmp_path: Path, host: str) -> dict[str, str]:
    """Those of a desk beside two handbooks, with an empty store."""
    write(tmp_path / "books", {"pay.md": PAY, "leave.md": LEAVE})
    store = f"sqlite:///{tmp_path}/desk.db"
    make_store(store, ("k-1", "knowledge_owner"))
    vectors = f"pinecone:handbooks?namespace=here&host={host}&key_env=STAND_IN_KEY"
    return {"ROLLTOP_STORE": store, "ROLLTOP_VECTORS": vectors, "STAND_IN_KEY": "a-key"}


def test_a_doctor_finds_what_is_wrong_in_pinecone_and_mends_it_with_the_right_key(
    tmp_path: Path, host: str, settings: dict[str, str]
) -> None:
    taken_in = rolltop("ingest", str(tmp_path / "books"), "--as", "k-1", **settings)
    assert taken_in.out.splitlines()[-1] == "2 published; 2 passages, 2 embedded, 0 reused"
    stranger = rolltop("doctor", **{**settings, "STAND_IN_KEY": "another"})
    assert stranger.status == 1
    assert "! vectors: Pinecone refused (HTTP 401): it does not know the key in STAND_IN_KEY" in stranger.out

    with Pinecone(api_key="a-key", host=host) as client, client.index("handbooks") as index:
        (page,) = index.list(namespace="here")
        lost, wrong = (one.id for one in page.vectors)
        index.delete(ids=[lost], namespace="here")
        index.update(id=wrong, set_metadata={"version": 999}, namespace="here")
        index.upsert(vectors=[("an-orphan", [1.0] * 256)], namespace="here")

    differences = "vectors missing: 1, without a passage: 1, of another version: 1"
    found = rolltop("doctor", **settings)
    assert found.status == 1
    assert f"! Pinecone: {differences}: run `rolltop doctor --repair`" in found.out
    assert f"{differences}: repaired" in rolltop("doctor", "--repair", **settings).out
    assert "Pinecone: it holds what the catalogue says" in rolltop("doctor", **settings).out
