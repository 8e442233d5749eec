"""The commands as they are typed: a run over any folder, the ablation, the benchmark."""

import subprocess
import sys

from tests.support.desks import PATIENCE
from tests.support.paths import ROOT

from . import ablation, benchmark, cpu_time, fit_confidence, run
from .questions import read_questions, read_run


def test_a_folder_of_any_formats_is_searched_and_what_cannot_be_read_is_named(mixed, asked_of_mixed, tmp_path, capsys):
    out = tmp_path / "run.jsonl"
    run.main(["--handbooks", str(mixed), "--questions", str(asked_of_mixed), "--out", str(out)])
    runs = read_run(out)
    assert list(runs) == ["a", "b", "c", "d", "5", "f"]
    first = {id: one.results[0].path for id, one in runs.items() if id in "abcd"}
    assert first == {
        "a": "dogs.pdf",
        "b": "leave/deep down/Sabbatical.md",
        "c": "visitors.docx",
        "d": "leave/parking.html",
    }
    assert runs["b"].results[0].heading == ("Sabbatical", "Who")
    assert all(0 <= one.confidence <= 1 and one.abstained is not None for one in runs.values())
    said = capsys.readouterr().out
    assert "refused: empty" in said
    assert "refused: broken" in said
    assert said.splitlines()[1].split()[:4] == ["all", "6", "2", "1.000"]


def test_it_is_a_program(mixed, asked_of_mixed, tmp_path):
    command = [sys.executable, "-m", "tests.eval.run", "--embedder", "none:", "--misses"]
    files = ["--handbooks", str(mixed), "--questions", str(asked_of_mixed), "--out", str(tmp_path / "run.jsonl")]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "passages taken in" in done.stdout


def test_the_ablation_is_a_markdown_table_with_a_line_for_each_variant(mixed, asked_of_mixed, capsys):
    ablation.main(["--handbooks", str(mixed), "--questions", str(asked_of_mixed)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [one.name for one in ablation.variants(None)]
    assert {line.count("|") for line in lines} == {10}


def test_the_benchmark_measures_against_both_yardsticks(capsys):
    benchmark.main(["--sizes", "300", "--questions", "4"])
    head, _, line = capsys.readouterr().out.splitlines()
    assert line.startswith("| 300 |")
    assert line.count("|") == head.count("|")


async def test_the_threshold_is_found_with_a_table_of_how_each_folder_does_by_that_of_the_others(
    mixed, asked_of_mixed, tmp_path, capsys
):
    other = tmp_path / "other"
    other.mkdir()
    (other / "bicycles.md").write_text("# Bicycles\n\nA bicycle may stand in the yard, which is open until ten.\n")
    asked = tmp_path / "other.jsonl"
    asked.write_text('{"id": "o", "question": "Where may a bicycle stand?", "gold": [{"path": "bicycles.md"}]}\n')
    await fit_confidence.main([mixed, other], [asked_of_mixed, asked], ["none:"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| none, as asked | 5 + 2 + 200 |")
    assert "| none, other, as asked | 1 + 0 + 100 |" in "\n".join(lines)
    assert lines[-1].startswith("threshold by all of them: 0.")


async def test_the_cpu_time_is_told_with_one_thread_and_with_all(mixed, asked_of_mixed, capsys, monkeypatch):
    monkeypatch.setattr(cpu_time, "SEARCHES", 3)
    await cpu_time.main(mixed, read_questions(asked_of_mixed))
    assert capsys.readouterr().out.startswith("3 searches: ")
