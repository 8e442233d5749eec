"""Answers judged in a real browser, with the keyboard alone."""

import sqlite3

import pytest

from tests.browser.test_console import ask, ended, expect
from tests.support.desks import PATIENCE  # noqa: F401
