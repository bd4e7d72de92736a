import pytest

from scenarios.matching import Closeness, places

WHOLE, WORDS, INSIDE, NEARLY = Closeness.WHOLE, Closeness.WORDS, Closeness.INSIDE, Closeness.NEARLY


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("Save", "Save", [(WHOLE, "Save")]),
        ("save", "SAVE", [(WHOLE, "SAVE")]),
        ("Save As", "SaveAs", [(WHOLE, "SaveAs")]),
        ("Save", "File Save Edit", [(WORDS, "Save")]),
        ("Save", "Save As…", [(WORDS, "Save")]),
        ("Save", "Saved files", [(INSIDE, "Save")]),
        ("Save", "Saved, then Save again", [(WORDS, "Save")]),
        ("a b", "x a  b y", [(WORDS, "a  b")]),
        ("Total", "Total Subtotal Total", [(WORDS, "Total"), (WORDS, "Total")]),
        ("straße", "STRASSE", [(WHOLE, "STRASSE")]),
        ("Documents", "Docurnents", []),
        ("Documents", "Docunents", [(NEARLY, "Docunents")]),
        ("Documents", "My Docments folder", [(NEARLY, "Docments")]),
        ("invoice", "the inv0ice here", [(NEARLY, "inv0ice")]),
        ("invoice-1041", "invoice-1042", []),
        ("invoice-1041", "invoice-141", []),
        ("invoice-1041", "invoice-1O41", [(NEARLY, "invoice-1O41")]),
        ("Save", "Sove", []),
        ("Save", "", []),
        ("", "Save", []),
        (" ", "Save", []),
    ],
)
def test_places(phrase: str, text: str, found: list[tuple[Closeness, str]]) -> None:
    assert [(m.closeness, text[m.start : m.end]) for m in places(phrase, text)] == found


def test_exact_wants_the_whole_text() -> None:
    assert places("Save", " save ", exact=True)
    assert not places("Save", "Save As", exact=True)
    assert not places("Documents", "Docunents", exact=True)
