"""The menu as data: each page is a file, each file is a page, and each role finds its own."""

from pathlib import Path
from typing import get_args

import pytest

from console.drawing.looks import ACTION_WORDS
from console.drawing.role_preview import preview
from console.menu import CHAT, MENU, all_pages, offered_to, roles_offered
from core.gate import Action, Role, Viewer, authorize, permissions
from tests.support.paths import ROOT


def test_every_page_is_in_the_menu_once_and_has_a_file():
    names = [page.name for page in all_pages()]
    assert sorted(names) == sorted(path.stem for path in Path(ROOT / "pages").glob("*.py") if path.stem != "__init__")
    assert len({page.url_path for page in all_pages()}) == len(names)
    assert all_pages()[0] is CHAT


@pytest.mark.parametrize("role", get_args(Role))
def test_each_role_is_offered_the_pages_of_its_sections(role):
    pages = [page for pages in offered_to({role}).values() for page in pages]
    assert pages == list(dict.fromkeys(page for section in MENU if section.role == role for page in section.pages))
    assert all(role in roles_offered(page) for page in pages)
    assert {page for page in all_pages() if role in roles_offered(page)} == set(pages)


def test_no_page_is_offered_twice_to_somebody_with_all_roles():
    offered = [page.url_path for pages in offered_to(get_args(Role)).values() for page in pages]
    assert sorted(offered) == sorted(set(offered))


def test_two_roles_share_a_page_of_one_section_and_nobody_without_a_role_has_any():
    both = offered_to({"auditor", "handler"})["Oversight"]
    assert len(both) == len(set(both))
    assert offered_to(()) == {}


@pytest.mark.parametrize("role", get_args(Role))
def test_a_preview_is_what_the_gate_says(role):
    assert preview(role)
    assert {one.action for one in permissions(role)} <= ACTION_WORDS.keys()
    alone = Viewer("e-1", {role}, purpose="any")
    for one in permissions(role):
        if one.of == "all":
            assert authorize(alone, one.action) == one.access


def test_each_action_is_allowed_to_some_role_or_is_no_action_of_a_role():
    allowed = {one.action for role in get_args(Role) for one in permissions(role)}
    assert set(get_args(Action)) - allowed == {"desk.use"}
