"""Checks of a playlist."""

from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

from scenarios.base import CheckResult
from scenarios.checkers import checker, verdict
from scenarios.checks.files import FileCheck
from scenarios.schema import Text

_LOCATION = "{http://xspf.org/ns/0/}trackList/{http://xspf.org/ns/0/}track/{http://xspf.org/ns/0/}location"


@checker("playlist")
class Playlist(FileCheck):
    """The names of the files that a playlist (.xspf or .m3u) plays, just these and in this order."""

    kind = "a playlist"
    unreadable = (ElementTree.ParseError, UnicodeDecodeError)
    tracks: tuple[Text, ...]

    def read(self, data: bytes) -> tuple[str, ...]:
        """The names of the files in order."""
        return _tracks(data)

    def compare(self, content: tuple[str, ...]) -> CheckResult:
        """Says what is played instead."""
        ok, played = content == self.tracks, ", ".join(content) or "nothing"
        return verdict(ok, f"{self.path} should play {', '.join(self.tracks)} and plays {played}", found=content)


def _tracks(data: bytes) -> tuple[str, ...]:
    """File names in order. Raises ParseError, UnicodeDecodeError."""
    if data.lstrip().startswith(b"<"):
        places = [place.text or "" for place in ElementTree.fromstring(data).iterfind(_LOCATION)]
    else:
        places = [line for line in data.decode().splitlines() if line.strip() and not line.startswith("#")]
    return tuple(PurePosixPath(unquote(place.strip())).name for place in places)
