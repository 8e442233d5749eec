"""How plainly the code speaks: `python -m tests.prose [--quiet] [FOLDER...]` measures, and fails above its limits.

Two habits hide what a sentence says: a denial where the condition would do ("no", "none", "nobody", "nothing"), and an
actor without a name ("who", "whoever", "somebody"). The limits are shares of docstring sentences; admired libraries
stay below both. A third figure asks for reasons beside the lines that need them.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator

from tests.support.paths import ROOT

PACKAGES = ("core", "console", "pages")
# `None` with a capital is Python's value, and a docstring has to say what it means.
DENIALS = re.compile(r"\b([Nn]o|none|[Nn]obody|[Nn]othing)\b")
HIDDEN_ACTORS = re.compile(r"\b(who|whoever|somebody)\b", re.IGNORECASE)
MOST_DENIALS, MOST_HIDDEN_ACTORS = 4.0, 0.5
FEWEST_COMMENTS = 1.5
"""Comments in a hundred lines that are not blank."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_CODE = re.compile(r"`[^`]*`|\"[^\"]*\"")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a docstring, without the code and the texts that it quotes."""
    for sentence in _SENTENCE.split(_CODE.sub("x", text)):
        if sentence := " ".join(sentence.split()):
            yield sentence


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Each docstring and its line: of the module, its classes and functions, and below assignments."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


def comments(source: str) -> int:
    """How many lines hold a comment; directives for tools do not count."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = (token.string for token in tokens if token.type == tokenize.COMMENT)
    return sum(not re.match(r"#\s*(noqa|type:|!)", text) for text in said)


def main(*arguments: str) -> int:
    """Print each sentence at fault, unless `--quiet`, and the figures; 1 if a figure is outside its limit.

    The other arguments are packages or folders to measure in place of all three packages.
    """
    packages = [argument for argument in arguments if argument != "--quiet"]
    quiet = len(packages) < len(arguments)
    count = denials = actors = lines = remarks = 0
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text()
            lines += sum(bool(line.strip()) for line in source.splitlines())
            remarks += comments(source)
            for line, text in docstrings(source):
                for sentence in sentences(text):
                    count += 1
                    denials += (denial := DENIALS.search(sentence) is not None)
                    actors += (actor := HIDDEN_ACTORS.search(sentence) is not None)
                    if (denial or actor) and not quiet:
                        print(f"{path.relative_to(ROOT)}:{line}: {sentence}")
    shares = 100 * denials / count, 100 * actors / count, 100 * remarks / lines
    print(
        f"{count} sentences: {shares[0]:.2f} % deny (at most {MOST_DENIALS}), {shares[1]:.2f} % hide their actor (at "
        f"most {MOST_HIDDEN_ACTORS}); {shares[2]:.1f} comments in 100 lines (at least {FEWEST_COMMENTS})"
    )
    return int(shares[0] > MOST_DENIALS or shares[1] > MOST_HIDDEN_ACTORS or shares[2] < FEWEST_COMMENTS)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
