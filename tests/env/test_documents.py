"""Files that a setup makes, read back by other means than made them."""

import io
import zipfile

import pytest
from openpyxl import load_workbook
from PIL import Image

from env.documents import file_content
from env.setup import Picture, PutFile, Shape


def test_text_and_a_spreadsheet() -> None:
    assert file_content(PutFile(path="a", text="Grüße")) == "Grüße".encode()
    book = load_workbook(io.BytesIO(file_content(PutFile(path="a.xlsx", rows=(("a", 1), (None, 2.5))))))
    assert list(book.worksheets[0].values) == [("a", 1), (None, 2.5)]


def test_a_document_begins_with_its_type() -> None:
    data = file_content(PutFile(path="a.odt", paragraphs=("a < b & c", "d")))
    assert data[30:38] == b"mimetype"
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert parts.read("mimetype") == b"application/vnd.oasis.opendocument.text"
        assert b"<text:p>a &lt; b &amp; c</text:p><text:p>d</text:p>" in parts.read("content.xml")


def test_a_picture_is_drawn_and_then_turned_clockwise() -> None:
    shapes = (
        Shape(colour="#ff0000", polygon=((0, 0), (9, 0), (9, 9), (0, 9))),
        Shape(colour="#00ff00", oval=(30, 0, 39, 9)),
    )
    drawn = Picture(size=(40, 20), background="#0000ff", shapes=shapes, quarters=1)
    image = Image.open(io.BytesIO(file_content(PutFile(path="a.png", picture=drawn))))
    assert image.size == (20, 40)
    assert [image.getpixel(point) for point in ((15, 4), (15, 34), (4, 4))] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (PutFile(path="a.txt"), "give text"),
        (PutFile(path="a.csv", rows=((1,),)), "must end in .xlsx"),
        (PutFile(path="a.docx", paragraphs=("a",)), "must end in .odt"),
    ],
)
def test_what_cannot_be_made(step: PutFile, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        file_content(step)
