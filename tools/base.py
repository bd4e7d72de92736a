"""Eyes and hands: what every screen offers, whoever is behind it."""

from dataclasses import dataclass
from typing import Protocol

from tools.actions import BrowserAction, ComputerAction, Outcome
from tools.geometry import Size


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the screen: a lossless PNG and its size in pixels."""

    png: bytes
    size: Size


class Eyes(Protocol):
    """Looks at a screen."""

    async def grab(self) -> Frame:
        """One picture, the pointer drawn in where there is one. Raises EnvError when the screen is gone."""
        ...


class Hands(Protocol):
    """Acts on a screen."""

    async def do(self, action: ComputerAction | BrowserAction, size: Size) -> Outcome:
        """Does one action on a screen of `size` and returns when the input was delivered.

        What the action itself makes impossible (an unknown key, say) is an `Outcome(ok=False)`; raises EnvError when
        the screen is gone.
        """
        ...

    async def release(self) -> None:
        """Lets go of every key and button that is held down."""
        ...


class Changes(Protocol):
    """Notices that the picture changed, by the platform's own events."""

    def last(self) -> float:
        """`time.monotonic()` of the last change (of the beginning, before the first)."""
        ...

    def busy(self) -> bool:
        """Whether a change is announced (a page is loading)."""
        ...
