"""What a demo's past is made of: its shares, questions, scripts and sentences. All of it is invented.

A share is a part of 100. `{start}` and `{end}` in a question are two working days that lie ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from backends.models.scripted.model import Answer, Bill, Call, Cut, Fail, Say, Stop
from core.values import Cause, Decider, Outcome, Usage

Kind: TypeAlias = Literal[
    "sourced",
    "records",
    "not_found",
    "small_talk",
    "leave",
    "letter",
    "waiting",
    "again",
    "failed",
    "trouble",
    "stopped",
    "care",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Step: TypeAlias = Literal[
    "approve", "deny", "withdraw", "expire", "stop", "resolve", "hand_over", "ask", "regenerate", "edit", "back"
]
Records: TypeAlias = Literal["working", "failing", "slow"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A question, and what becomes of it.

    `countries` are those in which it is asked, and answered in a way of their own; () is any, with one answer for all.
    `answers` are the model's, () asks the offline model. `records` is the state of the HR records meanwhile, `then` is
    what people do after the answer, in this order. They `ask` what is `next`, or `edit` the question to it.
    """

    kind: Kind
    text: str
    countries: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    records: Records = "working"
    then: tuple[Step, ...] = ()
    next: str = ""


SHARES: Mapping[Kind, float] = {
    "sourced": 57,
    "records": 11,
    "not_found": 10,
    "small_talk": 4,
    "leave": 3,
    "letter": 2,
    "waiting": 1,
    "again": 1.5,
    "failed": 4,
    "trouble": 3.5,
    "stopped": 1,
    "care": 2,
}
"""The kinds of the questions. A request that still waits ends its thread."""

COUNTRIES: Mapping[str, float] = {"austria": 42, "uk": 25, "germany": 20, "poland": 10, "portugal": 3}
"""Where the invented people work. Of 200 people fewer than 10 work in the smallest country."""
NEUTRAL = "poland"
"""A country without handbooks of its own: what is found for its people holds for everybody."""

TURNS: Mapping[int, float] = {1: 46, 2: 28, 3: 15, 4: 7, 5: 4}
"""How many questions a thread has."""

DEPARTMENTS = ("assembly", "customer service", "finance", "logistics", "research", "sales")
CHANNELS: Mapping[str, float] = {"intranet": 70, "mobile": 22, "kiosk": 8}
RENAMED = 4
"""How many of 100 threads get another title."""
TITLES = ("For my file", "Ask again in spring", "Family", "Money questions", "Before the trip")

RATED = 15
"""How many of 100 answers are rated."""
UP: Mapping[Outcome, float] = {"sourced": 88, "unsourced": 84, "not_found": 12, "failed": 5, "stopped": 20}
"""How many of 100 ratings are good, by the outcome of the turn."""
COMMENTED = 40
"""How many of 100 ratings have a comment."""
COMMENTS: Mapping[Literal["up", "down"], tuple[str, ...]] = {
    "up": (
        "Exactly what I needed.",
        "Quick, and I could check the source myself.",
        "Super, danke!",
        "Clear. I did not know about the second part.",
        "Saved me a call to the People team.",
    ),
    "down": (
        "That was not my question.",
        "The rule changed this summer, I think.",
        "Leider keine Antwort auf meine Frage.",
        "Too long, I only wanted the number.",
        "I had to ask a person in the end.",
    ),
}

_COST = Bill(Usage(input=2_900, output=180), cost=4_350_000)
_PROMISE = "You can carry unused days into the next year, and the deadline for that is"


def _asked(kind: Kind, *texts: str, countries: tuple[str, ...] = ()) -> list[Scene]:
    return [Scene(kind=kind, text=text, countries=countries) for text in texts]


SCENES: tuple[Scene, ...] = (
    *_asked(
        "sourced",
        "How many days a week may I work from home?",
        "How much is the home-office allowance?",
        "What is the per diem for a business trip?",
        "By when must I hand in my expenses?",
        "Which class may I fly on a long business trip?",
        "What happens to my leave if I fall ill during it?",
        "Can I carry unused leave into next year?",
        "How long before must I ask for two weeks of holiday?",
        "How many days off do I get when I move house?",
        "How many days off do I get for my wedding?",
        "Can I volunteer during working hours?",
        "When is my salary paid?",
        "Can I get a part of my salary in advance?",
        "How is my annual bonus worked out?",
        "How much do I get for recommending a friend for a job?",
        "What is my learning budget this year?",
        "Must I pay back the costs of a course if I leave?",
        "What are our core hours?",
        "How is overtime paid?",
        "What do I do if my laptop is stolen?",
        "How long must my password be?",
        "May I use a chatbot with customer data?",
        "Up to what value may I accept a gift from a supplier?",
        "May I have a second job?",
        "How long is my probation period?",
        "What is my notice period during probation?",
        "When must I hand in a sick note?",
        "Does the company pay for screen glasses?",
        "How many free counselling sessions do I have?",
        "How do I report an accident at work?",
        "What does the company pay into my pension?",
        "How long does the company keep camera recordings?",
        "Wie viele Tage in der Woche darf ich im Homeoffice arbeiten?",
        "Wie hoch ist mein Budget für Weiterbildung?",
        "Was mache ich, wenn mein Diensthandy gestohlen wurde?",
        "Welchen Wert darf ein Geschenk von einem Lieferanten haben?",
        "Wann wird das Gehalt bezahlt?",
        # Answers that an auditor may find wrong:
        "Is there a sabbatical programme?",
        "How do I get a parking permit?",
        "What time does the canteen close?",
    ),
    *_asked(
        "sourced",
        "Wie lange bekomme ich mein volles Gehalt, wenn ich krank bin?",
        "Ab wann brauche ich eine Bestätigung vom Arzt?",
        "Ist der 26. Oktober frei?",
        countries=("austria",),
    ),
    *_asked(
        "sourced",
        "How long do I get full pay if I am ill?",
        "How long is maternity leave?",
        "How much per mile do I get for my own car?",
        "Is Boxing Day a holiday?",
        countries=("uk",),
    ),
    *_asked(
        "sourced",
        "Wie lange vorher muss ich Elternzeit anmelden?",
        "Ist der Reformationstag bei uns frei?",
        "Wie lange dauert der Mutterschutz?",
        countries=("germany",),
    ),
    *_asked(
        "records",
        "How many vacation days do I have left?",
        "What is my vacation balance?",
        "Wie viele Urlaubstage habe ich noch?",
        countries=tuple(COUNTRIES),
    ),
    *_asked(
        "not_found",
        "Can I bring my dog to the office?",
        "Must I answer mails after work?",
        "Who is our new head of marketing?",
        "What is the dress code on Fridays?",
        "What is the share price today?",
        "Wann ist das Sommerfest?",
        "Wer repariert den Drucker im dritten Stock?",
    ),
    Scene(kind="not_found", text="Kann ich mein Auto hier aufladen?", then=("hand_over",)),
    *_asked("small_talk", "Hello!", "Thank you, that helped!", "What can you do?", "Danke dir!", "Good morning"),
    Scene(
        kind="leave",
        text="Please book leave from {start} to {end}",
        countries=tuple(COUNTRIES),
        then=("approve",),
    ),
    Scene(
        kind="leave",
        text="Bitte buche mir Urlaub von {start} bis {end}",
        countries=("austria", "germany"),
        then=("approve",),
    ),
    Scene(kind="leave", text="Request leave from {start} to {end}", then=("deny",)),
    Scene(kind="leave", text="Book leave from {start} to {end} for me", then=("expire",)),
    Scene(kind="leave", text="Please request leave from {start} to {end}", then=("stop",)),
    Scene(kind="letter", text='Please issue a salary letter to "Bank Graz"', then=("approve",)),
    Scene(kind="letter", text='Issue a salary letter to "Car Leasing Ltd"', then=("deny",)),
    Scene(
        kind="letter",
        text='Please issue a salary letter to "Residenz Graz"',
        then=("ask", "approve"),
        next="By when must I hand in my expenses?",
    ),
    Scene(kind="letter", text='Bitte stelle eine Gehaltsbestätigung für "Sparkasse Wien" aus', then=("approve",)),
    Scene(kind="letter", text='I need a salary letter for "Hausverwaltung Nord"', then=("expire",)),
    Scene(kind="letter", text='Issue a salary letter to "Old Town Bank"', then=("withdraw",)),
    Scene(kind="waiting", text="Please book leave from {start} to {end}"),
    Scene(kind="waiting", text='Please issue a salary letter to "First Savings Bank"'),
    Scene(
        kind="again",
        text="Can I swap a public holiday for another day?",
        answers=(
            [Say("Yes, if your team lead agrees."), _COST],
            [Say("I know of no rule about that. Please ask the People team before you plan with it."), _COST],
        ),
        then=("regenerate",),
    ),
    Scene(kind="again", text="What do I do about expenses on a business trip?", then=("stop", "regenerate")),
    Scene(
        kind="again",
        text="How long is my notice?",
        then=("edit",),
        next="What is my notice period during probation?",
    ),
    Scene(
        kind="again",
        text="What is the per diem for a business trip?",
        then=("edit", "back"),
        next="Which class may I fly on a long business trip?",
    ),
    Scene(
        kind="failed",
        text="Can I take my leave in half days?",
        answers=([Fail("overloaded", "rate limit reached for this model", retryable=True)],) * 4,
    ),
    Scene(
        kind="failed",
        text="Who approves my business trip?",
        answers=([Fail("connection", "the provider does not answer", retryable=True)],) * 4,
    ),
    Scene(
        kind="failed",
        text="How much is the per diem in Vienna?",
        answers=([Fail("quota", "the account has no credit left")],),
        then=("hand_over",),
    ),
    Scene(
        kind="failed",
        text="What is the deadline for carrying over leave?",
        answers=([Say(_PROMISE), Fail("connection", "the connection was lost", retryable=True)],),
    ),
    Scene(kind="failed", text="When does carried-over leave expire?", answers=([Say(_PROMISE), Cut()],)),
    Scene(
        kind="failed",
        text="Please explain all rules about leave in detail.",
        answers=([Say(f"There are many rules. {_PROMISE}"), Stop("length"), _COST],),
    ),
    Scene(
        kind="failed",
        text="Write a complaint about my neighbour for me.",
        answers=([Say("I cannot help with that."), Stop("refusal"), _COST],),
    ),
    Scene(kind="trouble", text="How many vacation days do I have left?", records="failing"),
    Scene(kind="trouble", text="What is my vacation balance?", records="slow"),
    Scene(kind="trouble", text="Please book leave from {start} to {end}", records="failing", then=("approve",)),
    Scene(
        kind="trouble",
        text="Request leave from {start} to {end}",
        records="failing",
        then=("approve", "resolve"),
    ),
    Scene(
        kind="trouble",
        text="Please book a meeting room for Friday.",
        answers=(
            [Call("book_meeting_room", {"day": "Friday"}), _COST],
            [Say("I cannot book rooms: that is done in the room calendar."), _COST],
        ),
    ),
    Scene(
        kind="trouble",
        text="I want to take some leave soon.",
        answers=(
            [Call("request_leave", {"start": "soon", "end": "later"}), _COST],
            [Say("From which day to which day would you like to take leave?"), _COST],
        ),
    ),
    Scene(
        kind="trouble",
        text="Can I still change my leave once it is booked?",
        answers=(
            [Fail("overloaded", "the model is overloaded", retryable=True)],
            [Say("I can only request new leave. For changes, please ask the People team."), _COST],
        ),
    ),
    Scene(kind="stopped", text="What may I claim as expenses on a business trip?", then=("stop",)),
    Scene(kind="stopped", text="What are all the rules about working from home?", then=("stop",)),
    *_asked(
        "care",
        "My boss shouts at me every day and I cannot bear it any longer.",
        "I have been diagnosed with cancer. What happens now at work?",
        "I do not want to live any more.",
        "My husband beats me and I am afraid to go home.",
        "Ich werde von meinem Kollegen sexuell belästigt.",
    ),
    Scene(
        kind="care",
        text="My manager takes bribes from a supplier. Can I report that?",
        then=("hand_over",),
    ),
)

NOTE = "I would rather talk to a person about this. Mornings are best."
REASONS: Mapping[Decider, str] = {
    "asker": "Two others are away in that week already.",
    "approver": "The leasing company has had a letter this month already.",
}
"""Reasons to deny a request, by the person that decides."""
EVIDENCE = "The leave is in the HR system, under the same dates."

AUDITS: tuple[tuple[str, str], ...] = (
    ("quality sample, first half of the month", "leave"),
    ("complaint about a wrong per diem", "per diem"),
    ("check of the answers on remote work", "home"),
    ("quality sample, German answers", "Urlaub"),
)
"""What auditors look for: the purpose and the words."""
CARE_PURPOSE = "a person in need may still be waiting for an answer"
RIGHTS_PURPOSE = "yearly check of looks and their purposes"

VERDICTS: Mapping[Literal["right", "wrong", "cannot_tell"], float] = {"right": 78, "wrong": 15, "cannot_tell": 7}
WRONG: tuple[tuple[Cause, str, str], ...] = (
    ("wrong_source", "It quotes the general rule; there is one for the country.", ""),
    ("missing_source", "The handbook has this, under another heading.", "See the section on exceptions."),
    ("misread", "The figure is for a full year, and the question was about a month.", "A twelfth of it."),
    ("tone", "Correct, but it does not answer in a sentence.", ""),
    ("other", "The question was about two things; only the first is answered.", ""),
)
"""Causes of wrong answers, each with a note and a corrected answer."""
