"""Files that a setup puts into a world: text as it is, and spreadsheets, documents and pictures made from values."""

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

from env.setup import Picture, PutFile

_ODT = "application/vnd.oasis.opendocument.text"
_MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODT}"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
</manifest:manifest>"""
_CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3">
<office:body><office:text>{paragraphs}</office:text></office:body>
</office:document-content>"""


def file_content(step: PutFile) -> bytes:
    """The bytes of the file. Raises ValueError: nothing given, or a name that does not suit what is to be made."""
    match step:
        case PutFile(text=str(text)):
            return text.encode()
        case PutFile(rows=tuple(rows)):
            ending, content = ".xlsx", _spreadsheet(rows)
        case PutFile(paragraphs=tuple(paragraphs)):
            ending, content = ".odt", _document(paragraphs)
        case PutFile(picture=Picture() as picture):
            ending, content = ".png", _drawing(picture)
        case _:
            raise ValueError("give text, rows, paragraphs or a picture")
    if not step.path.endswith(ending):
        raise ValueError(f"this makes a file whose name must end in {ending}")
    return content


def _spreadsheet(rows: Sequence[tuple[str | int | float | None, ...]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _document(paragraphs: Sequence[str]) -> bytes:
    """An OpenDocument text: a zip file that begins with its type, unpacked."""
    body = "".join(f"<text:p>{escape(paragraph)}</text:p>" for paragraph in paragraphs)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("mimetype", _ODT, zipfile.ZIP_STORED)
        parts.writestr("META-INF/manifest.xml", _MANIFEST)
        parts.writestr("content.xml", _CONTENT.format(paragraphs=body))
    return file.getvalue()


def _drawing(picture: Picture) -> bytes:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", picture.size, picture.background)
    pen = ImageDraw.Draw(image)
    for shape in picture.shapes:
        if shape.oval is not None:
            pen.ellipse(shape.oval, fill=shape.colour)
        if shape.polygon:
            pen.polygon(list(shape.polygon), fill=shape.colour)
    image = image.rotate(-90 * picture.quarters, expand=True)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
