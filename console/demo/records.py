"""The demo's HR records: a few invented employees, their leave, letters and tickets, in one SQLite file.

The file stands for the HR system that a company already has. Every change carries the key of the tool call that asked
for it. Keys are unique, so the same request twice has one effect.
"""

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from functools import cached_property
from threading import Lock
from typing import Literal, TypeAlias

import holidays
from holidays.registry import COUNTRIES

from backends.private_files import make_private

LeaveKind: TypeAlias = Literal["annual", "special", "unpaid"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS employee (
    id TEXT PRIMARY KEY, days_a_year NUMERIC NOT NULL, carried_over NUMERIC NOT NULL
);
CREATE TABLE IF NOT EXISTS leave (
    key TEXT PRIMARY KEY, employee TEXT NOT NULL, kind TEXT NOT NULL, start TEXT NOT NULL, end TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS letter (
    key TEXT PRIMARY KEY, employee TEXT NOT NULL, recipient TEXT NOT NULL, issued TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ticket (
    key TEXT PRIMARY KEY, employee TEXT NOT NULL, topic TEXT, note TEXT NOT NULL, messages TEXT NOT NULL,
    opened TEXT NOT NULL
);
"""
_EMPLOYEES = (
    ("e-1042", 25, 3),
    ("e-1077", 27, 0),
    ("e-1203", 25, 2),
    ("e-1310", 25, 0),
    ("e-2001", 25, 1),
    ("e-3001", 28, 0),
    ("e-4001", 26, 0),
)
_TAKEN = (
    ("e-1042", (2, 16), (2, 20)),
    ("e-1042", (7, 20), (7, 31)),
    ("e-1077", (8, 3), (8, 21)),
    ("e-1203", (4, 13), (4, 17)),
    ("e-1310", (7, 6), (7, 17)),
    ("e-2001", (5, 25), (5, 29)),
    ("e-3001", (6, 8), (6, 19)),
    ("e-4001", (9, 7), (9, 11)),
)
_COMPANY_DAYS = ((12, 24), (12, 31))
_OFFICES = {"DE": "SN", "GB": "ENG"}
"""Where the company's offices are in countries whose parts have holidays of their own: in Saxony and in England."""


class HrRecords:
    """`path` is a file, which the first method opens, or `:memory:`. Methods may be called from any thread.

    `country` is the employee's, by name or ISO code, None if it is unknown. Every method raises ValueError, in a
    sentence for the employee, if it cannot do what is asked.
    """

    def __init__(self, path: str, today: Callable[[], date] = date.today) -> None:
        self._path, self._today = path, today
        self._lock = Lock()

    @cached_property
    def _db(self) -> sqlite3.Connection:
        """The file, with this year's employees and leave in it."""
        make_private(self._path)
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        db.executescript(_SCHEMA)
        db.executemany("INSERT OR IGNORE INTO employee VALUES (?, ?, ?)", _EMPLOYEES)
        year = self._today().year
        db.executemany(
            "INSERT OR IGNORE INTO leave VALUES (?, ?, 'annual', ?, ?)",
            [
                (f"{employee}:{year}{a}", employee, str(date(year, *a)), str(date(year, *b)))
                for employee, a, b in _TAKEN
            ],
        )
        return db

    def balance(self, employee: str, country: str | None) -> dict[str, str | float]:
        """This year's vacation in working days, as the handbook counts it."""
        with self._lock:
            return self._balance(employee, country)

    def book_leave(
        self, key: str, employee: str, country: str | None, kind: LeaveKind, start: date, end: date
    ) -> dict[str, str | float]:
        """Put the leave on record, once per key."""
        with self._lock:
            if not self._db.execute("SELECT 1 FROM leave WHERE key = ?", (key,)).fetchone():
                self._check_leave(employee, country, kind, start, end)
                self._db.execute(
                    "INSERT INTO leave VALUES (?, ?, ?, ?, ?)", (key, employee, kind, str(start), str(end))
                )
            balance = self._balance(employee, country)
        return {
            "booked": f"{kind} leave",
            "first_day": str(start),
            "last_day": str(end),
            "working_days": len(working_days(start, end, country)),
            "counted": counted(country),
            "days_left": balance["days_left"],
        }

    def preview_leave(
        self, employee: str, country: str | None, kind: LeaveKind, start: date, end: date
    ) -> tuple[int, float | None]:
        """The working days that this leave would take, and the vacation days of this year left after it.

        The second is None for leave that takes none of them: of another kind, or of another year.
        """
        with self._lock:
            self._check_leave(employee, country, kind, start, end)
            taken = len(working_days(start, end, country))
            if not self._uses_balance(kind, start):
                return taken, None
            return taken, float(self._balance(employee, country)["days_left"]) - taken

    def issue_letter(self, key: str, employee: str, recipient: str) -> dict[str, str]:
        """Put the letter on record, once per key."""
        with self._lock:
            self._employee(employee)
            self._db.execute(
                "INSERT OR IGNORE INTO letter VALUES (?, ?, ?, ?)", (key, employee, recipient, str(self._today()))
            )
            number, issued = self._db.execute("SELECT rowid, issued FROM letter WHERE key = ?", (key,)).fetchone()
        return {"letter": f"SL-{number:05d}", "recipient": recipient, "issued": issued}

    def open_ticket(self, key: str, employee: str, topic: str | None, note: str, messages: str) -> str:
        """Put a ticket for the People team on record, once per key, and return its number."""
        with self._lock:
            self._employee(employee)
            self._db.execute(
                "INSERT OR IGNORE INTO ticket VALUES (?, ?, ?, ?, ?, ?)",
                (key, employee, topic, note, messages, str(self._today())),
            )
            (number,) = self._db.execute("SELECT rowid FROM ticket WHERE key = ?", (key,)).fetchone()
        return f"T-{number:04d}"

    def close(self) -> None:
        with self._lock:
            if "_db" in vars(self):
                self._db.close()

    def _employee(self, employee: str) -> tuple[float, float]:
        row: tuple[float, float] | None = self._db.execute(
            "SELECT days_a_year, carried_over FROM employee WHERE id = ?", (employee,)
        ).fetchone()
        if row is None:
            raise ValueError("There is no HR record for you. Please ask the People team.")
        return row

    def _leave(self, employee: str, kind: str) -> list[tuple[date, date]]:
        rows = self._db.execute("SELECT start, end FROM leave WHERE employee = ? AND kind LIKE ?", (employee, kind))
        return [(date.fromisoformat(start), date.fromisoformat(end)) for start, end in rows]

    def _balance(self, employee: str, country: str | None) -> dict[str, str | float]:
        a_year, carried_over = self._employee(employee)
        today = self._today()
        days = [day for leave in self._leave(employee, "annual") for day in working_days(*leave, country)]
        taken = sum(day.year == today.year and day < today for day in days)
        booked = sum(day.year == today.year and day >= today for day in days)
        return {
            "days_left": a_year + carried_over - taken - booked,
            "days_a_year": a_year,
            "carried_over": carried_over,
            "taken": taken,
            "booked_ahead": booked,
            "counted": counted(country),
            "as_of": str(today),
        }

    def _uses_balance(self, kind: LeaveKind, start: date) -> bool:
        return kind == "annual" and start.year == self._today().year

    def _check_leave(self, employee: str, country: str | None, kind: LeaveKind, start: date, end: date) -> None:
        if end < start:
            raise ValueError("The last day is before the first one.")
        if start < self._today():
            raise ValueError("The first day is in the past.")
        if end.year != start.year:
            raise ValueError("Leave across two years must be requested separately for each year.")
        days = working_days(start, end, country)
        if not days:
            raise ValueError(f"These dates include no working day ({counted(country)}).")
        if any(start <= last and first <= end for first, last in self._leave(employee, "%")):
            raise ValueError("These dates overlap leave that is already booked.")
        left = float(self._balance(employee, country)["days_left"])
        if self._uses_balance(kind, start) and len(days) > left:
            raise ValueError(f"This takes {len(days)} working days, but only {left:g} are left.")


def working_days(first: date, last: date, country: str | None) -> list[date]:
    """Monday to Friday, without the company's two days off and, if they are known, the country's public holidays."""
    code, _ = _country(country)
    off = holidays.country_holidays(code, subdiv=_OFFICES.get(code)) if code else {}
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in span if day.weekday() < 5 and day not in off and (day.month, day.day) not in _COMPANY_DAYS]


def counted(country: str | None) -> str:
    """Which days count as working days, in words."""
    code, name = _country(country)
    if code:
        return f"Monday to Friday, without public holidays ({name})"
    return f"Monday to Friday: the public holidays of {name or 'your country'} are not known here"


def _country(country: str | None) -> tuple[str, str]:
    """The ISO code and the name of a country that is given by one of its names or codes; no code if it is unknown."""
    said = (country or "").strip()
    spelt = said.casefold().replace(" ", "").replace("_", "")
    for key, (name, code, *codes) in COUNTRIES.items():
        if spelt in map(str.casefold, (name, code, *codes)):
            return code, key.replace("_", " ").title()
    return "", said.title()
