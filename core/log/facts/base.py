"""What every kind of fact is made from."""

from typing import ClassVar

from core.values import Value


class Fact(Value):
    """What an entry says. `kind` names it; `V` is the version of its fields that this code writes and reads."""

    V: ClassVar[int] = 1
