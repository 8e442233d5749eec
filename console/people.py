"""The sample people: those that the development sign-in offers, and that have a past in a filled demo."""

from dataclasses import dataclass

from core.gate import Role


@dataclass(frozen=True, slots=True)
class Person:
    """A sample employee; `country` is where they are employed, `roles` are those they may sign in with."""

    id: str
    about: str
    country: str
    roles: tuple[Role, ...] = ("employee",)


PEOPLE = (
    Person("e-1042", "Employee in Graz", "austria"),
    Person("e-1077", "Employee in Graz", "austria"),
    Person("e-1203", "Employee in York", "uk"),
    Person("e-1310", "Employee in Leipzig", "germany"),
    Person("e-2001", "HR auditor", "austria", ("auditor", "employee")),
    Person("e-3001", "HR approver", "austria", ("approver", "employee")),
    Person("e-4001", "Knowledge owner", "austria", ("knowledge_owner", "employee")),
    Person("e-5001", "Handler", "austria", ("handler", "employee")),
    Person("e-6001", "Data protection officer", "austria", ("data_protection_officer", "employee")),
    Person("e-7001", "Administrator", "austria", ("administrator", "employee")),
)


def entity_in(country: str) -> str:
    """The company of the sample group that employs the people of this country."""
    return f"larkfield {country}"


COUNTRIES = sorted({person.country for person in PEOPLE})
