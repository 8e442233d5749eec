"""The demo's HR tools: what the desk can look up and do for the asking employee.

A tool takes the employee from its context, which comes from the session. An argument for the employee would let the
model choose one.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from console.demo.records import HrRecords, LeaveKind
from console.format import counted, days
from console.tool_words import Preview, ToolWords
from core.canonical import Json
from core.tools import Tool, ToolContext, tool


def hr_tools(records: HrRecords) -> list[Tool]:
    """The tools over these records."""

    @tool(effect="read", timeout=10)
    def vacation_balance(context: ToolContext) -> dict[str, str | float]:
        """How many vacation days the asking employee has left this year: their own leave balance."""
        return records.balance(context.viewer.id, context.viewer.country)

    @tool(effect="unsafe", timeout=15, filters=["start", "kind"])
    def request_leave(
        start: Annotated[date, Field(title="First day", description="The first day of leave.")],
        end: Annotated[date, Field(title="Last day", description="The last day of leave.")],
        context: ToolContext,
        kind: Annotated[LeaveKind, Field(description="The kind of leave.")] = "annual",
    ) -> dict[str, str | float]:
        """Request leave for the asking employee: book days off from a first to a last day."""
        viewer = context.viewer
        return records.book_leave(context.key, viewer.id, viewer.country, kind, start, end)

    @tool(effect="unsafe", timeout=15, approval="approver")
    def salary_letter(
        recipient: Annotated[
            str, Field(min_length=2, max_length=120, description="Whom the letter is for, such as a bank.")
        ],
        context: ToolContext,
    ) -> dict[str, str]:
        """Issue a salary confirmation letter about the asking employee to a recipient, such as a bank or a landlord."""
        return records.issue_letter(context.key, context.viewer.id, recipient)

    return [vacation_balance, request_leave, salary_letter]


def hr_words(records: HrRecords) -> dict[str, ToolWords]:
    """The words of these tools, by their names."""

    def leave(employee: str, country: str | None, arguments: Mapping[str, Json]) -> Preview:
        first, last = (date.fromisoformat(arguments[name]) for name in ("start", "end"))
        try:
            taken, left = records.preview_leave(employee, country, arguments["kind"], first, last)
        except ValueError as refusal:
            return Preview(str(refusal), possible=False)
        after = "" if left is None else f"; {left:g} left afterwards"
        return Preview(f"{counted(taken, 'working day')}, {days(first, last)}{after}")

    return {
        "vacation_balance": ToolWords(
            "Reading your vacation balance", "Vacation balance", "Read the vacation balance of the person who asked."
        ),
        "request_leave": ToolWords(
            "Booking leave", "Leave request", "Book {kind} leave from {start} to {end} for the person who asked.", leave
        ),
        "salary_letter": ToolWords(
            "Issuing a salary letter",
            "Salary letter",
            "Issue a letter to {recipient} that confirms the salary of the person who asked.",
        ),
    }
