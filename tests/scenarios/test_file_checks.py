"""Checks of archives, documents, pictures, playlists and JSON files, each made by the libraries that make real ones."""

import io
import json
import tarfile
import zipfile
from typing import Any

import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from env.documents import file_content
from env.setup import PutFile
from scenarios.base import CheckResult
from scenarios.checkers import AnyCheck, NamedCheck
from tests.scenarios.probes import CannedProbe

HEADED = """<x xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<text:h text:outline-level="2">A <text:span>big</text:span> one</text:h>
<text:p>two<text:s/>three<text:tab/>four<text:line-break/>five</text:p><text:p/></x>"""
XSPF = """<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/" version="1"><trackList>
<track><location>file:///home/user/Music/A%20b.mp3</location></track><track><location>c.mp3</location></track>
</trackList></playlist>"""


def packed(**files: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.mkdir("folder")
        for name, text in files.items():
            parts.writestr(name.replace("__", "."), text)
    return file.getvalue()


def tape(mode: str, **files: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as parts:  # type: ignore[call-overload]  # the mode is not literal
        for name, text in files.items():
            entry = tarfile.TarInfo("./" + name.replace("__", "."))
            entry.size = len(text.encode())
            parts.addfile(entry, io.BytesIO(text.encode()))
    return file.getvalue()


def picture() -> bytes:
    image = Image.new("RGB", (40, 20), "#102030")
    image.putpixel((39, 19), (255, 0, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


LETTER = file_content(PutFile(path="a.odt", paragraphs=("Dear <you> & yours,", "", "good bye")))
WORLD = CannedProbe(
    files={
        "a.zip": packed(a__txt="one", b__txt="zwölf"),
        "a.tar.gz": tape("w:gz", a__txt="one", b__txt="zwölf"),
        "a.tar": tape("w", a__txt="one", b__txt="zwölf"),
        "cut.zip": packed(a__txt="one")[:40],
        "letter.odt": LETTER,
        "headed.odt": packed(content__xml=HEADED),
        "a.png": picture(),
        "a.xspf": XSPF.encode(),
        "a.m3u": b"#EXTM3U\n#EXTINF:1,x\nMusic/A b.mp3\n\nc.mp3\n",
        "a.json": json.dumps({"a": {"b": True, "c": 1}, "d": "e"}).encode(),
        "text.txt": "Grüße".encode(),
        "blob.bin": b"\xff\xfe\x00",
    }
)


async def judge(check: dict[str, Any]) -> CheckResult:
    return await TypeAdapter[NamedCheck](AnyCheck).validate_python(check).judge(WORLD, None)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar"])
async def test_an_archive_is_judged_by_the_files_in_it(name: str) -> None:
    async def archive(files: dict[str, str | None]) -> CheckResult:
        return await judge({"archive": {"path": name, "files": files}})

    assert (await archive({"a.txt": "one", "b.txt": "zwölf"})).why == f"{name} holds just 2 files, as it should"
    assert (await archive({"a.txt": None, "b.txt": None})).passed
    more = await archive({"a.txt": "one"})
    assert (more.score, more.why) == (0, f"{name} is not as it should be: b.txt should not be in it")
    less = await archive({"a.txt": "on", "b.txt": "zwölf", "c.txt": None})
    assert less.score == pytest.approx(1 / 3)
    assert less.why == f"{name} is not as it should be: a.txt should hold 'on', c.txt is missing"


async def test_a_document_is_judged_by_its_paragraphs() -> None:
    async def document(path: str, *paragraphs: str, **headings: int) -> CheckResult:
        levels = {text.replace("_", " "): level for text, level in headings.items()}
        return await judge({"document": {"path": path, "paragraphs": paragraphs, "headings": levels}})

    right = await document("letter.odt", "Dear <you> & yours,", "good bye")
    assert right.why == "all 2 paragraphs of letter.odt are right"
    wrong = await document("letter.odt", "Dear <you> & yours,", "good night", "PS")
    assert wrong.score == pytest.approx(1 / 3)
    assert "'good night' should be there and is 'good bye', 'PS' is missing" in wrong.why
    assert "'good bye' is too many" in (await document("letter.odt", "Dear <you> & yours,")).why
    assert (await document("headed.odt", "A big one", "two three\tfour\nfive", A_big_one=2)).passed
    level = await document("headed.odt", "A big one", "two three\tfour\nfive")
    assert level.why == (
        "1 paragraph of headed.odt is wrong: 'A big one' should be body text and is a heading of level 2"
    )


async def test_a_picture_is_judged_by_size_and_colours() -> None:
    async def looks(**asked: Any) -> CheckResult:
        return await judge({"picture": {"path": "a.png", **asked}})

    assert (await looks(size=[40, 20], format="PNG", colours={"39,19": "#f80808", "0,0": "#102030"})).passed
    assert "should have 20 × 40 pixels and has 40 × 20" in (await looks(size=[20, 40])).why
    assert "should be a JPEG file and is PNG" in (await looks(format="JPEG")).why
    wrong = await looks(colours={"38,19": "#ff0000", "40,0": "#102030"})
    assert "38,19 should be #ff0000 and is #102030, 40,0 is outside" in wrong.why


@pytest.mark.parametrize("name", ["a.xspf", "a.m3u"])
async def test_a_playlist_is_judged_by_its_order(name: str) -> None:
    assert (await judge({"playlist": {"path": name, "tracks": ["A b.mp3", "c.mp3"]}})).passed
    turned = await judge({"playlist": {"path": name, "tracks": ["c.mp3", "A b.mp3"]}})
    assert turned.why == f"{name} should play c.mp3, A b.mp3 and plays A b.mp3, c.mp3"


async def test_json_is_judged_by_its_values() -> None:
    assert (await judge({"json_file": {"path": "a.json", "values": {"a.b": True, "d": "e"}}})).passed
    wrong = await judge({"json_file": {"path": "a.json", "values": {"a.b": 1, "a.c": 1, "a.x": 1, "d.e": None}}})
    assert wrong.score == 0.25
    assert wrong.why == (
        "in a.json, a.b should be 1 and is True, a.x should be 1 and is not there, d.e should be None and is not there"
    )


@pytest.mark.parametrize("path", ["no.such", "text.txt", "blob.bin", "cut.zip"])
@pytest.mark.parametrize(
    "check",
    [
        {"archive": {"files": {"a.txt": None}}},
        {"document": {"paragraphs": ["a"]}},
        {"picture": {"size": [1, 1]}},
        {"playlist": {"tracks": ["a.mp3"]}},
        {"json_file": {"values": {"a": 1}}},
    ],
)
async def test_another_kind_of_file_does_not_pass(check: dict[str, dict[str, Any]], path: str) -> None:
    ((name, arguments),) = check.items()
    result = await judge({name: {"path": path, **arguments}})
    assert result.score == 0
    assert path in result.why


@pytest.mark.parametrize(
    "check",
    [
        {"archive": {"path": "a.zip", "files": {}}},
        {"document": {"path": "a.odt", "paragraphs": []}},
        {"picture": {"path": "a.png", "colours": {"1;2": "#000000"}}},
        {"picture": {"path": "a.png", "colours": {"1,2": "reddish"}}},
        {"json_file": {"path": "a.json", "values": {}}},
    ],
)
def test_wrong_checks(check: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[NamedCheck](AnyCheck).validate_python(check)
