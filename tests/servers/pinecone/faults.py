"""The bad days of the stand-in for Pinecone, as a script: what befalls which requests, and how often."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from core.errors import InvalidInput


class Fault(BaseModel):
    """Befalls the next `times` requests whose path begins with `path`.

    `refuse`: `status` in place of an answer; with 429 in plain text, as the layer in front of the service answers, and
    with `retry_after` seconds where given. `drop`: the connection is closed and nothing was done. `lose`: it is closed
    although all was done. `slow`: all is done, and the answer comes after `seconds`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["refuse", "drop", "lose", "slow"]
    path: str = "/"
    times: int = Field(default=1, ge=1)
    status: Literal[400, 401, 402, 403, 404, 409, 429, 500, 503] = 503
    retry_after: float | None = None
    seconds: float = 0


class Faults:
    """A script of faults, each used up in its turn: the first that fits a request befalls it."""

    def __init__(self, faults: list[Fault]) -> None:
        self._left = [(fault, fault.times) for fault in faults]

    def add(self, *faults: Fault) -> None:
        """After those that are left."""
        self._left += [(fault, fault.times) for fault in faults]

    def befalling(self, path: str) -> Fault | None:
        """What befalls this request, which uses it up; None: nothing."""
        for n, (fault, times) in enumerate(self._left):
            if path.startswith(fault.path):
                self._left[n : n + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None


def read_faults(path: str) -> list[Fault]:
    """A list of faults in a JSON file. Raises InvalidInput for what is none."""
    try:
        return TypeAdapter(list[Fault]).validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
