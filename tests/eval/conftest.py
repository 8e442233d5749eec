"""Handbooks in every format, and questions about them."""

import json

import docx
import fpdf
import pytest


@pytest.fixture
def mixed(tmp_path):
    """One handbook in each format, in folders and encodings as they come, beside what no handbook is."""
    folder = tmp_path / "handbooks"
    (folder / "leave" / "deep down").mkdir(parents=True)
    (folder / "README.md").write_text("# About\n\nThis is where our handbooks are.\n")
    (folder / "leave" / "deep down" / "Sabbatical.md").write_text(
        "# Sabbatical\n\n## Who\n\nAfter five years of work.\n"
    )
    (folder / "leave" / "parking.html").write_text("<h1>Parking</h1><p>A space in the car park costs 30 a month.</p>")
    (folder / "canteen.txt").write_bytes("The café closes at 14:30.".encode("latin-1"))
    (folder / "empty.md").write_text("")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nno more than that")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    word = docx.Document()
    word.add_heading("Visitors", 1)
    word.add_paragraph("Every visitor signs in at the reception and wears a badge.")
    word.save(str(folder / "visitors.docx"))
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.multi_cell(0, text="Dogs may come to the office on Fridays if nobody is allergic to them.")
    pdf.output(str(folder / "dogs.pdf"))
    return folder


@pytest.fixture
def asked_of_mixed(tmp_path):
    lines = [
        {"id": "a", "question": "When may I bring my dog?", "gold": [
            {"path": "dogs.pdf", "heading": "dogs", "evidence": "on Fridays"}]},
        {"id": "b", "question": "After how many years is there a sabbatical?", "level": "hard", "gold": [
            {"path": "leave/deep down/Sabbatical.md", "heading": "Who", "group": 0, "evidence": "five years"}]},
        {"id": "c", "question": "What does a visitor wear?", "kind": None, "corpus": "elsewhere", "gold": [
            {"path": "visitors.docx", "heading": "Visitors", "evidence": "a badge"}]},
        {"id": "d", "question": "What does parking cost?", "gold": [
            {"path": "leave/parking.html", "heading": "Parking", "evidence": "30 a month"}]},
        {"id": 5, "question": "Is there a swimming pool?", "gold": [], "history": []},
        {"id": "f", "question": "", "history": ["When does the café close?"]},
    ]  # fmt: skip
    path = tmp_path / "asked.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return path
