"""The demo's HR tools: what the desk can look up and do for the asking employee.

A tool takes the employee from its context, which comes from the session. An argument for the employee would let the
model choose one.
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from console.demo.records import HrRecords, LeaveKind
from console.tool_words import ToolWords
from core.tools import Tool, ToolContext, tool


def hr_tools(records: HrRecords) -> list[Tool]:
    """The tools over these records."""

    @tool(effect="read", timeout=10)
    def vacation_balance(context: ToolContext) -> dict[str, str | float]:
        """How many vacation days the asking employee has left this year: their own leave balance."""
        return records.balance(context.viewer.id, context.viewer.country)

    @tool(effect="unsafe", timeout=15, filters=["start", "kind"])
    def request_leave(
        start: Annotated[date, Field(description="The first day of leave, YYYY-MM-DD.")],
        end: Annotated[date, Field(description="The last day of leave, YYYY-MM-DD.")],
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


TOOL_WORDS = {
    "vacation_balance": ToolWords(
        "Reading your vacation balance", "Vacation balance", "Read the vacation balance of the person who asked."
    ),
    "request_leave": ToolWords(
        "Booking leave", "Leave request", "Book {kind} leave from {start} to {end} for the person who asked."
    ),
    "salary_letter": ToolWords(
        "Issuing a salary letter",
        "Salary letter",
        "Issue a letter to {recipient} that confirms the salary of the person who asked.",
    ),
}
