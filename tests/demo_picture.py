"""The README's picture of `rolltop demo --kill`: `python -m tests.demo_picture > docs/demo-kill.svg` runs it anew.

The lines appear one after the other. A viewer without animations, or whose user wants none, sees all at once.
"""

import contextlib
import io
import textwrap
from html import escape

from console.cli.main import main

COLUMNS = 100
LINE, LEFT, TOP = 19, 16, 30

STYLE = """
text { font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #24292f; white-space: pre }
.card { fill: #f6f8fa; stroke: #d0d7de }
.command { font-weight: bold }
.kill { fill: #cf222e; font-weight: bold }
.kept { fill: #116329 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .card { fill: #161b22; stroke: #30363d } .kill { fill: #ff7b72 } .kept { fill: #7ee787 }
}
@media (prefers-reduced-motion: no-preference) {
  text { animation: appear 0.2s backwards } @keyframes appear { from { opacity: 0 } }
}
"""


def lines(output: str) -> list[str]:
    """The output, in lines that fit; what goes on is indented."""
    return [
        part
        for line in output.splitlines()
        for part in textwrap.wrap(line, COLUMNS, subsequent_indent=" " * 10, drop_whitespace=False) or [""]
    ]


def look(line: str) -> str:
    """The class of a line."""
    if line.startswith("Killed"):
        return "kill"
    if line.startswith("$"):
        return "command"
    return "kept" if line.startswith("kept") else "plain"


def picture(output: str) -> str:
    """The SVG of a terminal that shows the output."""
    shown = ["$ rolltop demo --kill", "", *lines(output)]
    width, height = LEFT * 2 + COLUMNS * 8, TOP + LINE * len(shown)
    texts = "\n".join(
        f'<text class="{look(line)}" x="{LEFT}" y="{TOP + LINE * row}" style="animation-delay: {row * 0.25:.2f}s">'
        f"{escape(line)}</text>"
        for row, line in enumerate(shown)
        if line
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="A server is killed in the middle of an answer. Nothing that was shown is lost.">\n'
        f'<style>{STYLE}</style>\n<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" '
        f'rx="8"/>\n{texts}\n</svg>\n'
    )


if __name__ == "__main__":
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main(["demo", "--kill"])
    if status:
        raise SystemExit(printed.getvalue())
    print(picture(printed.getvalue()), end="")
