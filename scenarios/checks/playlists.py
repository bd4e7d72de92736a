"""Checks of a playlist."""

from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

from env.base import Probe
from scenarios.base import CheckResult
from scenarios.checkers import NamedCheck, checker, verdict
from scenarios.checks.files import missing
from scenarios.schema import Text

_LOCATION = "{http://xspf.org/ns/0/}trackList/{http://xspf.org/ns/0/}track/{http://xspf.org/ns/0/}location"


@checker("playlist")
class Playlist(NamedCheck):
    """The names of the files that a playlist (.xspf or .m3u) plays, just these and in this order."""

    path: Text
    tracks: tuple[Text, ...]

    async def judge(self, probe: Probe, answer: str | None) -> CheckResult:
        """Says what is played instead."""
        try:
            data = await probe.read(self.path)
        except FileNotFoundError:
            return await missing(self.path, probe)
        try:
            found = _tracks(data)
        except (ElementTree.ParseError, UnicodeDecodeError) as error:
            return verdict(False, f"{self.path} should be a playlist, but cannot be read as one: {error}")
        ok = found == self.tracks
        played = ", ".join(found) or "nothing"
        return verdict(ok, f"{self.path} should play {', '.join(self.tracks)} and plays {played}", found=found)


def _tracks(data: bytes) -> tuple[str, ...]:
    """File names in order. Raises ParseError, UnicodeDecodeError."""
    if data.lstrip().startswith(b"<"):
        places = [place.text or "" for place in ElementTree.fromstring(data).iterfind(_LOCATION)]
    else:
        places = [line for line in data.decode().splitlines() if line.strip() and not line.startswith("#")]
    return tuple(PurePosixPath(unquote(place.strip())).name for place in places)
