"""The menu: which pages there are, in which section, and which roles they are offered to.

What a page shows is decided in core, in every call. The menu is a courtesy: it leaves out what core would refuse.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from core.gate import Role


@dataclass(frozen=True, slots=True)
class MenuPage:
    """A page: the name of its module in `pages`, its title, and its icon by its Material name.

    A page without an icon is not in the menu: links on other pages lead to it.
    """

    name: str
    title: str
    icon: str = ""

    @property
    def url_path(self) -> str:
        """The page's part of the URL."""
        return self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the menu, "" for the first one, with the pages that it offers to a role."""

    title: str
    role: Role
    pages: tuple[MenuPage, ...]


CHAT = MenuPage("chat", "Ask HR", "chat")
MY_DATA = MenuPage("my_data", "My data", "shield_person")
OVERVIEW = MenuPage("overview", "Overview", "monitoring")
THREADS = MenuPage("threads", "Threads", "forum")
THREAD = MenuPage("thread", "Thread")
TOOL_CALLS = MenuPage("tool_calls", "Tool calls", "build")
CALL = MenuPage("call", "Tool call")
APPROVALS = MenuPage("approvals", "Approvals", "approval")
AUDIT_LOG = MenuPage("audit_log", "Audit log", "policy")
HANDBOOKS = MenuPage("handbooks", "Handbooks", "menu_book")
HANDBOOK = MenuPage("handbook", "Handbook")
PEOPLE = MenuPage("people", "People & roles", "group")
TOOLS = MenuPage("tools", "Tools & models", "power_settings_new")
USAGE = MenuPage("usage", "Usage", "data_usage")
SYSTEM = MenuPage("system", "System", "monitor_heart")

MENU = (
    Section("", "employee", (CHAT, MY_DATA)),
    Section("Oversight", "auditor", (OVERVIEW, THREADS, THREAD, TOOL_CALLS, CALL, AUDIT_LOG)),
    Section("Oversight", "handler", (THREADS, THREAD, CALL, AUDIT_LOG)),
    Section("Oversight", "approver", (APPROVALS, CALL, AUDIT_LOG)),
    Section("Oversight", "data_protection_officer", (OVERVIEW, AUDIT_LOG)),
    Section("Knowledge", "knowledge_owner", (HANDBOOKS, HANDBOOK)),
    Section("Administration", "administrator", (PEOPLE, TOOLS, USAGE, SYSTEM)),
)
"""Each section's pages, and the role that may open them, in the order of the menu."""


def all_pages() -> list[MenuPage]:
    """Every page once, in the order of the menu."""
    return list(dict.fromkeys(page for section in MENU for page in section.pages))


def offered_to(roles: Iterable[str]) -> dict[str, list[MenuPage]]:
    """The pages that these roles may open, each once, by the title of their section."""
    held, offered = frozenset(roles), dict[str, list[MenuPage]]()
    for section in MENU:
        if section.role in held:
            there = offered.setdefault(section.title, [])
            there += [page for page in section.pages if page not in there]
    return offered


def roles_offered(page: MenuPage) -> frozenset[Role]:
    """The roles that may open the page."""
    return frozenset(section.role for section in MENU if page in section.pages)
