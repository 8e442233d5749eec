"""What each part of search is worth, on any handbooks and questions: the Markdown table of ARCHITECTURE.md.

    python -m tests.eval.ablation --handbooks sample_handbooks --questions tests/eval/questions.jsonl [--model FOLDER]

Each line adds a part to what the line it names has. Changes are paired: the same questions, drawn alike from both.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import anyio
import numpy as np

from .installation import STATIC, Part
from .measures import difference, interval
from .questions import read_questions
from .run import Asked, ask_all
from .tables import bounds, change, markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A retriever without some of its parts; its line is compared with that of the variant `against`."""

    name: str
    embedder: str = STATIC
    without: frozenset[Part] = frozenset()
    against: str | None = None


def variants(model: Path | None) -> list[Variant]:
    """The lines of the table. Vectors of the model in the folder are left out where there is none."""
    bare = frozenset[Part](("tokens", "synonyms"))
    lines = [
        Variant(name="words", without=bare | {"vectors"}),
        Variant(name="words, synonyms", without=frozenset(("vectors", "tokens")), against="words"),
        Variant(name="bundled vectors", without=bare | {"words"}, against="words"),
        Variant(name="words + bundled vectors", without=bare, against="bundled vectors"),
        Variant(name="+ token matching", without=frozenset(("synonyms",)), against="words + bundled vectors"),
        Variant(name="+ synonyms (the default)", against="+ token matching"),
        Variant(
            name="the default without spelling repair",
            without=frozenset(("spelling",)),
            against="+ synonyms (the default)",
        ),
    ]
    if model is not None:
        url = f"folder:{model}"
        lines += [
            Variant(name="MiniLM", embedder=url, without=bare | {"words"}, against="words"),
            Variant(name="everything, with MiniLM", embedder=url, against="MiniLM"),
        ]
    return lines


async def measure(options: Namespace) -> str:
    questions = read_questions(options.questions)
    lines = variants(options.model)
    asked: dict[str, Asked] = {}
    for embedder in dict.fromkeys(line.embedder for line in lines):
        mine = [line for line in lines if line.embedder == embedder]
        found = await ask_all(
            options.handbooks,
            questions,
            embedder=embedder,
            withouts=[line.without for line in mine],
            country=options.country,
            as_of=options.as_of,
        )
        asked.update(zip((line.name for line in mine), found, strict=True))
    rows = [_row(line, asked[line.name], asked.get(line.against or "")) for line in lines]
    return markdown(["", "R@1", "R@5", "R@10", "nDCG@10", "R@5, change", "AUROC", "Ref@5%", "ms"], rows)


def _row(variant: Variant, asked: Asked, before: Asked | None) -> list[str]:
    of = {name: interval(asked.scores, name) for name in ("R@1", "R@5", "R@10", "nDCG@10", "AUROC", "Ref@5%")}
    return [
        variant.name,
        f"{of['R@1'].value:.3f}",
        bounds(of["R@5"]),
        f"{of['R@10'].value:.3f}",
        bounds(of["nDCG@10"]),
        change(difference(before.scores, asked.scores, "R@5")) if before else "",
        bounds(of["AUROC"]),
        bounds(of["Ref@5%"]),
        f"{np.median([run.milliseconds or 0 for run in asked.runs]):.1f}",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m tests.eval.ablation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--handbooks", type=Path, required=True, metavar="DIR")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", type=Path, metavar="DIR", help="a folder with a MiniLM-class model")
    parser.add_argument("--country", help="of who asks, where a question does not say")
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="DAY", help="today, if not given")
    print(anyio.run(measure, parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
