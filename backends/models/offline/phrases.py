"""The fixed sentences of the offline model, by language. Everything else that it says is a quote or a tool's result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from backends.languages import Language
from backends.models.offline.parameters import Edge, Parameter
from core.retrieval.small_talk import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The sentences in one language. Those with braces are filled by `str.format`; `replies` answer small talk.

    `asking` are the questions for a missing argument: by the parameter's type, and for a day by its end of a range.
    `edges` are what the days at the ends of a range are called on a form.
    `one_more` and `many_more` say how many rows of a "table" or items of a "list" a quote leaves out.
    """

    without_model: str
    nothing_asked: str
    nothing_found: str
    nearest: str
    meant: str
    what_next: str
    otherwise: str
    not_sure: str
    in_need: str
    source: str
    source_section: str
    one_more: Mapping[str, str]
    many_more: Mapping[str, str]

    replies: Mapping[Topic, str]
    handbooks: str
    tools: str
    nothing_offered: str

    still_needed: str
    asking: Mapping[str, str]
    edges: Mapping[Edge, str]
    complete_by: str
    skipped: str

    waits: str
    not_yet: str
    approved: str
    approved_failed: str
    approved_unknown: str
    denied: str
    reason: str

    no_result: str
    no_reason: str
    done: str
    nothing_on_record: str
    none: str
    not_given: str
    yes: str
    no: str

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    day: str

    def date(self, day: date) -> str:
        """The day in words, with its weekday."""
        weekday, month = self.weekdays[day.weekday()], self.months[day.month - 1]
        return self.day.format(weekday=weekday, day=day.day, month=month, year=day.year)

    def ask(self, parameter: Parameter) -> str:
        """The question for a parameter."""
        question = self.asking.get(f"{parameter.type} {parameter.edge}") or self.asking[parameter.type]
        return question.format(choices=", ".join(map(str, parameter.choices)))


ENGLISH = Phrases(
    without_model="This desk runs without a language model: it quotes the handbooks, uses the tools it has, and "
    "guesses nothing.",
    nothing_asked="What would you like to know? {without_model}",
    nothing_found="I found nothing in the handbooks that answers this.",
    nearest="This came nearest, but is not the answer. {source}:",
    meant="What do you mean: {subjects}, or {last}?",
    what_next="Please try the words a handbook would use, or contact the People team. {without_model}",
    otherwise="These handbooks do not say the same. The newer or more specific one stands first; ask the People team.",
    not_sure="I am not sure that this answers your question: please check it in the source, or ask the People team.",
    in_need="Please turn to one of those people: they can help better than this desk.",
    source="From “{title}”",
    source_section="From “{title}”, section {section}",
    one_more={"table": "({more} more row in the source)", "list": "({more} more item in the source)"},
    many_more={"table": "({more} more rows in the source)", "list": "({more} more items in the source)"},
    replies={
        "silence": "What would you like to know? {offer}",
        "agreement": "Good. Is there anything else you would like to know?",
        "greeting": "Hello! What would you like to know? {offer}",
        "farewell": "Goodbye! Your questions and the answers stay in your list of threads.",
        "thanks": "You are welcome. Is there anything else you would like to know?",
        "wellbeing": "I am a program, and I am at work: thank you for asking. What would you like to know? {offer}",
        "abilities": "{offer} {without_model}",
        "identity": "I am the HR desk: a program, not a person. {without_model}",
        "person": "I am a program and cannot put you through to a person. Use “Talk to a person” if it "
        "stands below, or contact the People team.",
        "privacy": "What you write here and what the desk answers is kept on record. You can read it; auditors can "
        "read it too, and each time they must state a purpose, which is put on record. A thread in which somebody "
        "seems to be in need is closed to auditors, and open to those who handle such matters. An approver "
        "sees the requests that wait for approval. The keepers of the handbooks see questions that the "
        "handbooks did not answer, or whose answer was rated down, without your name. For what nobody else "
        "should read, contact the People team.",
    },
    handbooks="Ask me about anything in the handbooks that hold for you, such as leave, pay, sickness or expenses.",
    tools="I have these tools for you: {tools}.",
    nothing_offered="There are neither handbooks nor tools here yet, so I cannot answer anything: please contact the "
    "People team.",
    still_needed="For “{tool}” I still need:",
    asking={
        "date start": "from which day?",
        "date end": "until which day, or for how many days?",
        "date": "which day?",
        "month": "which month, such as December 2026?",
        "integer": "how many, or which number?",
        "number": "how much?",
        "boolean": "yes or no?",
        "choice": "which one: {choices}?",
        "text": "please name it.",
        "other": "please use the words of its description.",
    },
    edges={"start": "First day", "end": "Last day"},
    skipped="I have not done anything. Ask again when you know what “{tool}” needs.",
    complete_by="Answer with what is missing, and I will go on from there.",
    waits="Your request “{name}” has gone to an approver, who decides on it.",
    not_yet="It has not been done yet. The answer comes here, in this thread, as soon as the approver has decided.",
    approved="Your request “{name}” was approved.",
    approved_failed="Your request “{name}” was approved, but it failed. {reason} Please ask the People team.",
    approved_unknown="Your request “{name}” was approved, but it is not known whether it was done. Please ask the "
    "People team before you request it again.",
    denied="Your request “{name}” was denied, so it was not done.",
    reason="The reason: {reason}",
    no_result="{name}: no result. {reason}",
    no_reason="The tool did not say why.",
    done="{name}: done, without a result.",
    nothing_on_record="{name}: nothing on record.",
    none="none",
    not_given="not given",
    yes="yes",
    no="no",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    day="{weekday} {day} {month} {year}",
)

GERMAN = Phrases(
    without_model="Dieser Assistent arbeitet ohne Sprachmodell: Er zitiert die Handbücher, nutzt seine Werkzeuge und "
    "rät nichts.",
    nothing_asked="Was möchten Sie wissen? {without_model}",
    nothing_found="Ich habe dazu in den Handbüchern nichts gefunden.",
    nearest="Am nächsten kam dies, es ist aber nicht die Antwort. {source}:",
    meant="Was meinen Sie: {subjects} oder {last}?",
    what_next="Bitte versuchen Sie es mit den Worten eines Handbuchs, oder wenden Sie sich an die Personalabteilung. "
    "{without_model}",
    otherwise="Diese Handbücher sagen nicht dasselbe. Das neuere oder genauere steht zuerst; fragen Sie bitte die "
    "Personalabteilung.",
    not_sure="Ich bin nicht sicher, ob das Ihre Frage beantwortet: Bitte prüfen Sie es in der Quelle, oder fragen Sie "
    "die Personalabteilung.",
    in_need="Bitte wenden Sie sich an einen dieser Menschen: Sie können besser helfen als dieser Assistent.",
    source="Aus „{title}“",
    source_section="Aus „{title}“, Abschnitt {section}",
    one_more={"table": "({more} weitere Zeile in der Quelle)", "list": "({more} weiterer Punkt in der Quelle)"},
    many_more={"table": "({more} weitere Zeilen in der Quelle)", "list": "({more} weitere Punkte in der Quelle)"},
    replies={
        "silence": "Was möchten Sie wissen? {offer}",
        "agreement": "Gut. Möchten Sie noch etwas wissen?",
        "greeting": "Guten Tag! Was möchten Sie wissen? {offer}",
        "farewell": "Auf Wiedersehen! Ihre Fragen und die Antworten bleiben in Ihrer Liste der Gespräche.",
        "thanks": "Gern geschehen. Möchten Sie noch etwas wissen?",
        "wellbeing": "Ich bin ein Programm und bei der Arbeit: danke der Nachfrage. Was möchten Sie wissen? {offer}",
        "abilities": "{offer} {without_model}",
        "identity": "Ich bin der HR-Assistent: ein Programm, kein Mensch. {without_model}",
        "person": "Ich bin ein Programm und kann Sie nicht mit einem Menschen verbinden. Nutzen Sie „Talk to a "
        "person“, wenn es darunter steht, oder wenden Sie sich an die Personalabteilung.",
        "privacy": "Was Sie hier schreiben und was Sie als Antwort bekommen, wird aufgezeichnet. Sie können es lesen; "
        "auch Prüfer (Auditoren) können es lesen und müssen jedes Mal einen Zweck angeben, der aufgezeichnet "
        "wird. Ein Gespräch, in dem jemand in Not zu sein scheint, ist für Prüfer verschlossen und für jene "
        "offen, die sich um so etwas kümmern. Wer Anträge genehmigt, sieht die Anträge, die darauf warten. "
        "Wer die Handbücher pflegt, sieht Fragen, die die Handbücher nicht beantwortet haben oder deren "
        "Antwort schlecht bewertet wurde, ohne Ihren Namen. Was sonst niemand lesen soll, besprechen Sie mit "
        "der Personalabteilung.",
    },
    handbooks="Fragen Sie mich nach allem, was in den für Sie geltenden Handbüchern steht, etwa Urlaub, Gehalt, "
    "Krankheit oder Spesen.",
    tools="Diese Werkzeuge habe ich für Sie: {tools}.",
    nothing_offered="Hier gibt es noch keine Handbücher und keine Werkzeuge, ich kann also nichts beantworten: bitte "
    "wenden Sie sich an die Personalabteilung.",
    still_needed="Für „{tool}“ brauche ich noch:",
    asking={
        "date start": "ab welchem Tag?",
        "date end": "bis zu welchem Tag, oder für wie viele Tage?",
        "date": "welcher Tag?",
        "month": "welcher Monat, zum Beispiel Dezember 2026?",
        "integer": "wie viele, oder welche Zahl?",
        "number": "wie viel?",
        "boolean": "ja oder nein?",
        "choice": "was davon: {choices}?",
        "text": "bitte angeben.",
        "other": "bitte mit den Worten der Beschreibung.",
    },
    edges={"start": "Erster Tag", "end": "Letzter Tag"},
    skipped="Ich habe nichts unternommen. Fragen Sie wieder, wenn Sie wissen, was „{tool}“ braucht.",
    complete_by="Antworten Sie mit dem, was fehlt, dann mache ich damit weiter.",
    waits="Ihre Anfrage „{name}“ ist bei einer Person, die sie genehmigen oder ablehnen kann.",
    not_yet="Sie ist noch nicht ausgeführt. Die Antwort kommt hier in diesem Gespräch, sobald entschieden ist.",
    approved="Ihre Anfrage „{name}“ wurde genehmigt.",
    approved_failed="Ihre Anfrage „{name}“ wurde genehmigt, ist aber fehlgeschlagen. {reason} Bitte wenden Sie sich "
    "an die Personalabteilung.",
    approved_unknown="Ihre Anfrage „{name}“ wurde genehmigt, aber es ist nicht bekannt, ob sie ausgeführt wurde. "
    "Bitte wenden Sie sich an die Personalabteilung, bevor Sie es noch einmal versuchen.",
    denied="Ihre Anfrage „{name}“ wurde abgelehnt und nicht ausgeführt.",
    reason="Die Begründung: {reason}",
    no_result="{name}: kein Ergebnis. {reason}",
    no_reason="Das Werkzeug hat keinen Grund genannt.",
    done="{name}: erledigt, ohne Ergebnis.",
    nothing_on_record="{name}: nichts verzeichnet.",
    none="keine",
    not_given="nicht angegeben",
    yes="ja",
    no="nein",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    day="{weekday}, {day}. {month} {year}",
)

PHRASES: Mapping[Language, Phrases] = {"en": ENGLISH, "de": GERMAN}
