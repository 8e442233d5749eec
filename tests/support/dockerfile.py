"""A Dockerfile's steps, for a machine without Docker: what `tests/support/clean_root.py` carries out."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: `RUN`, its flags such as `{"mount": "..."}`, and the rest as it is written."""

    name: str
    flags: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def command(self) -> list[str]:
        """The program and its arguments: those of a JSON list, else a shell's."""
        text = self.text.removeprefix("CMD ") if self.name == "HEALTHCHECK" else self.text
        listed: list[str] = json.loads(text) if text.startswith("[") else ["/bin/sh", "-c", text]
        return listed


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands between a FROM and the next; `name` is "" without an AS."""

    base: str
    name: str
    steps: list[Step]

    def last(self, name: str) -> Step:
        return next(step for step in reversed(self.steps) if step.name == name)


def stages(file: Path) -> list[Stage]:
    """The stages of this Dockerfile, first to last."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", "")
    made: list[Stage] = []
    for line in filter(None, text.splitlines()):
        name, _, rest = line.partition(" ")
        flags, rest = _flags(rest.strip())
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            made.append(Stage(base, alias, []))
        else:
            made[-1].steps.append(Step(name, flags, rest))
    return made


def _flags(text: str) -> tuple[dict[str, str], str]:
    flags = {}
    while flag := re.match(r"--([\w-]+)=(\S+)\s+", text):
        flags[flag[1]], text = flag[2], text[flag.end() :]
    return flags, text
