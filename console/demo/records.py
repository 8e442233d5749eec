"""The demo's HR records: a few invented employees, their leave, letters and tickets, in one SQLite file.

The file stands for the HR system that a company already has. Every change carries the key of the tool call that asked
for it. Keys are unique, so the same request twice has one effect.
"""

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from threading import Lock
from typing import Literal, TypeAlias

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
# (month, day); then days after Easter Sunday.
_HOLIDAYS = ((1, 1), (1, 6), (5, 1), (8, 15), (10, 26), (11, 1), (12, 8), (12, 24), (12, 25), (12, 26), (12, 31))
_AFTER_EASTER = (1, 39, 50, 60)


class HrRecords:
    """`path` is a file, or `:memory:`. Methods may be called from any thread; an unknown id raises LookupError."""

    def __init__(self, path: str, today: Callable[[], date] = date.today) -> None:
        self._today = today
        self._lock = Lock()
        make_private(path)
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._db.executemany("INSERT OR IGNORE INTO employee VALUES (?, ?, ?)", _EMPLOYEES)
        year = today().year
        self._db.executemany(
            "INSERT OR IGNORE INTO leave VALUES (?, ?, 'annual', ?, ?)",
            [
                (f"{employee}:{year}{a}", employee, str(date(year, *a)), str(date(year, *b)))
                for employee, a, b in _TAKEN
            ],
        )

    def balance(self, employee: str) -> dict[str, str | float]:
        """This year's vacation in working days, as the handbook counts it."""
        with self._lock:
            return self._balance(employee)

    def book_leave(self, key: str, employee: str, kind: LeaveKind, start: date, end: date) -> dict[str, str | float]:
        """Put the leave on record, once per key. Raises ValueError, which says why, if it cannot be granted."""
        with self._lock:
            if not self._db.execute("SELECT 1 FROM leave WHERE key = ?", (key,)).fetchone():
                self._check_leave(employee, kind, start, end)
                self._db.execute(
                    "INSERT INTO leave VALUES (?, ?, ?, ?, ?)", (key, employee, kind, str(start), str(end))
                )
            balance = self._balance(employee)
        booked = {"booked": f"{kind} leave", "first_day": str(start), "last_day": str(end)}
        return {**booked, "working_days": len(working_days(start, end)), "days_left": balance["days_left"]}

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
            self._db.close()

    def _employee(self, employee: str) -> tuple[float, float]:
        row: tuple[float, float] | None = self._db.execute(
            "SELECT days_a_year, carried_over FROM employee WHERE id = ?", (employee,)
        ).fetchone()
        if row is None:
            raise LookupError("this employee has no HR record")
        return row

    def _leave(self, employee: str, kind: str) -> list[tuple[date, date]]:
        rows = self._db.execute("SELECT start, end FROM leave WHERE employee = ? AND kind LIKE ?", (employee, kind))
        return [(date.fromisoformat(start), date.fromisoformat(end)) for start, end in rows]

    def _balance(self, employee: str) -> dict[str, str | float]:
        a_year, carried_over = self._employee(employee)
        today = self._today()
        days = [day for leave in self._leave(employee, "annual") for day in working_days(*leave)]
        taken = sum(day.year == today.year and day < today for day in days)
        booked = sum(day.year == today.year and day >= today for day in days)
        return {
            "days_left": a_year + carried_over - taken - booked,
            "days_a_year": a_year,
            "carried_over": carried_over,
            "taken": taken,
            "booked_ahead": booked,
            "as_of": str(today),
        }

    def _check_leave(self, employee: str, kind: LeaveKind, start: date, end: date) -> None:
        if end < start:
            raise ValueError("the last day is before the first one")
        if start < self._today():
            raise ValueError("the first day is in the past")
        if end.year != start.year:
            raise ValueError("leave across two years must be requested separately for each year")
        days = working_days(start, end)
        if not days:
            raise ValueError("these dates include no working day")
        if any(start <= last and first <= end for first, last in self._leave(employee, "%")):
            raise ValueError("it overlaps leave that is already booked")
        left = self._balance(employee)["days_left"]
        if kind == "annual" and start.year == self._today().year and len(days) > float(left):
            raise ValueError(f"it takes {len(days)} days, but only {left:g} are left")


def working_days(first: date, last: date) -> list[date]:
    """Monday to Friday, without the public holidays of Austria and the company's two days off."""
    # Austria's for every employee: a calendar per country would teach nothing about the desk.
    span = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in span if day.weekday() < 5 and not _is_holiday(day)]


def _is_holiday(day: date) -> bool:
    return (day.month, day.day) in _HOLIDAYS or (day - _easter(day.year)).days in _AFTER_EASTER


def _easter(year: int) -> date:
    """Easter Sunday: the anonymous Gregorian algorithm."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    rest = (32 + 2 * e + 2 * i - h - k) % 7
    month, day = divmod(h + rest - 7 * ((a + 11 * h + 22 * rest) // 451) + 114, 31)
    return date(year, month, day + 1)
