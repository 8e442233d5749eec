"""Which elements of a web page are hidden: by an attribute, by their own style, or by the page's style sheet.

Of style sheets, only what a single tag, class or id says counts, for every screen: enough for what writers hide on
purpose, and nothing that needs a browser. `aria-hidden` hides nothing from a reader's eyes; text that is moved out of
sight is there for those who listen.
"""

import re
from collections.abc import Iterable, Iterator

from lxml.html import HtmlElement  # type: ignore[import-untyped]  # lxml is written in C, without types

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT_RULE = re.compile(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"(?P<tag>[a-z][a-z0-9]*)?(?:(?P<mark>[.#])(?P<name>[\w-]+))?", re.IGNORECASE)
_HIDES = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*\.?0*\s*%?"
    r"|font-size\s*:\s*0*\.?0+\s*(?:[a-z]+|%)?)\s*(?:!\s*important\s*)?(?:;|$)",
    re.IGNORECASE,
)
_GONE = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)


class Hiding:
    """What the style sheets `sheets`, in their order, and the elements themselves hide."""

    def __init__(self, sheets: Iterable[str]) -> None:
        self._rules: dict[tuple[str, str, str], str] = {}
        for sheet in sheets:
            for selectors, says in _RULE.findall(_AT_RULE.sub("", _COMMENT.sub("", sheet))):
                for selector in selectors.split(","):
                    if found := _SIMPLE.fullmatch(selector.strip()):
                        # A later rule with the same selector wins; one that says nothing of it changes nothing.
                        if _HIDES.search(says):
                            self._rules[_key(found)] = says
                        elif "display" in says or "visibility" in says:
                            self._rules[_key(found)] = ""

    def hides(self, node: HtmlElement) -> bool:
        """Whether the element itself is hidden, and so all in it."""
        if node.get("hidden") is not None or _HIDES.search(node.get("style", "")):
            return True
        if node.tag == "input" or (node.tag == "dialog" and node.get("open") is None):
            return True
        return any(self._declarations(node))

    def keeps_place(self, node: HtmlElement) -> bool:
        """Whether a hidden element leaves a gap, as a hidden cell of a table may: what comes after it does not move."""
        hiding = [node.get("style", ""), *self._declarations(node)]
        return node.get("hidden") is None and not any(map(_GONE.search, hiding))

    def _declarations(self, node: HtmlElement) -> Iterator[str]:
        """What the style sheets declare that hides the element; "" where they say otherwise."""
        if self._rules:
            marks = [("", ""), ("#", node.get("id", "")), *((".", name) for name in node.get("class", "").split())]
            yield from (self._rules.get((tag, *mark), "") for tag in ("", node.tag) for mark in marks)


def _key(selector: re.Match[str]) -> tuple[str, str, str]:
    return (selector["tag"] or "").lower(), selector["mark"] or "", selector["name"] or ""
