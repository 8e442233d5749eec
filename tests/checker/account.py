"""What the log alone says of branches and deferred calls: a tree of turns, and a list of requests.

It is counted without the fold, in the plainest way there is, so that the fold can be held against it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.values import Entry


@dataclass(frozen=True, slots=True)
class Request:
    """A deferred call. `decision` is "given" or "denied", `digest` that of the arguments to run.

    `over` is "reported", or the reason for which it was closed; None while it is open.
    """

    turn: str
    digest: str
    decision: str | None = None
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The turns with their first entries, `parents` in the tree of turns (None: the first place), and `last`.

    `last` is the turn at which the shown branch ends. `left` says of a version at which turn its branch was left.
    """

    opened: Mapping[str, int] = field(default_factory=dict)
    parents: Mapping[str, str | None] = field(default_factory=dict)
    last: str | None = None
    left: Mapping[str, str] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    def path(self, turn: str | None) -> list[str]:
        """The branch that ends at this turn, newest turn first."""
        found: list[str] = []
        while turn is not None:
            found.append(turn)
            turn = self.parents[turn]
        return found

    def versions(self, turn: str) -> list[str]:
        """All turns in the place of this one, oldest first."""
        return [one for one, parent in self.parents.items() if parent == self.parents[turn]]

    def after(self, entries: Iterable[Entry]) -> "Account":
        """The account with these entries too."""
        account = self
        for entry in entries:
            account = account._with(entry.kind, entry.shell, entry.n)
        return account

    def _with(self, kind: str, shell: Mapping[str, Any], n: int) -> "Account":
        match kind:
            case "turn.opened":
                return self._opened(shell, n)
            case "branch.shown":
                left = self._leaving(shell["version"])
                return replace(self, left=left, last=left.get(shell["version"], shell["version"]))
            case "model.answered":
                planned = {call["call"]: call["digest"] for call in shell["calls"]}
                return replace(self, digests={**self.digests, **planned}) if planned else self
            case "call.deferred":
                return self._request(shell["call"], Request(shell["turn"], self.digests[shell["call"]]))
            case "approval.given" | "approval.denied" if request := self.requests.get(shell["call"]):
                decision = kind.removeprefix("approval.")
                return self._request(
                    shell["call"], replace(request, decision=decision, digest=shell.get("digest", request.digest))
                )
            case "deferred.closed" if request := self.requests.get(shell["call"]):
                return self._request(shell["call"], replace(request, over=shell["reason"]))
            case "erased" if "model.answered" in shell["kinds"]:
                gone = {
                    call: replace(request, over="erased")
                    for call, request in self.requests.items()
                    if request.turn == shell["turn"] and request.over is None
                }
                return replace(self, requests={**self.requests, **gone})
        return self

    def _opened(self, shell: Mapping[str, Any], n: int) -> "Account":
        turn, fork, report = shell["turn"], shell["fork"], shell["report"]
        parent = self.parents[fork["replaces"]] if fork else self.last
        account = replace(self, opened={**self.opened, turn: n}, parents={**self.parents, turn: parent})
        account = replace(account, left=account._leaving(turn) if fork else self.left, last=turn)
        if report and (request := self.requests.get(report["deferred"])):
            return account._request(report["deferred"], replace(request, over="reported"))
        return account

    def _leaving(self, version: str) -> Mapping[str, str]:
        """Where the versions were left, once this one is shown in the place of the one that is shown now."""
        shown = [one for one in self.path(self.last) if self.parents[one] == self.parents[version]]
        return {**self.left, **{one: self.last for one in shown if self.last}}

    def _request(self, call: str, request: Request) -> "Account":
        return replace(self, requests={**self.requests, call: request})
