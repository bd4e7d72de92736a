"""Minds: whoever answers a conversation with one completion. Those here have no weights and write as a model does."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from random import Random
from typing import Any, Protocol, runtime_checkable

from agent.prompt import Message
from agent.trace import Completion, RunFolder
from env.base import Probe
from scenarios.base import Intent, Oracle
from tools.actions import (
    Answer,
    BrowserAction,
    Click,
    ComputerAction,
    Goto,
    HScroll,
    Key,
    NewTab,
    Scroll,
    SwitchTab,
    Terminate,
    Type,
    Wait,
)
from tools.errors import UserError


class Model(Protocol):
    """Answers a conversation."""

    @property
    def name(self) -> str:
        """What the run's record calls it."""
        ...

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """One reply, as it came. Raises ModelError when there is none after retries."""
        ...


@runtime_checkable
class Served(Model, Protocol):
    """A model behind a server, with weights: it can be asked again, more strictly, when a reply could not be read."""

    @property
    def about(self) -> dict[str, Any]:
        """How it is asked: address, parameters, and what its server does not take. No secrets."""
        ...

    async def mend(self, messages: Sequence[Message]) -> Completion:
        """One short reply without a thought, as sure and as strict in its form as the server can. Raises ModelError."""
        ...

    async def close(self) -> None:
        """Lets go of the server."""
        ...


def reply(thought: str, say: str, action: ComputerAction | BrowserAction) -> str:
    """A reply as a Thinking model writes it; `agent.parse` reads it back to the same decision."""
    call = json.dumps(action.wire(), ensure_ascii=False).replace("</think>", "\\u003c/think>")
    return f"{thought}\n</think>\n\nAction: {say}\n<tool_call>\n{call}\n</tool_call>"


class OracleModel:
    """A scenario's reference solution as a model: it looks at the world itself, and writes what a model would write.

    After the oracle's last action it ends the task with success. Raises what the oracle raises.
    """

    name = "oracle"

    def __init__(self, oracle: Oracle, probe: Probe, rng: Random) -> None:
        self._words = Random(rng.random())
        self._intents: AsyncIterator[Intent] = oracle(probe, rng)
        self._place = "what is in front"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """The oracle's next action."""
        intent = await anext(self._intents, Intent(Terminate(status="success"), ""))
        if isinstance(intent.action, Click):
            self._place = intent.target
        thought, say = _worded(intent, self._place, self._words)
        return Completion(text=reply(thought, say, intent.action))

    async def close(self) -> None:
        """Ends an oracle that has more to do than it was asked for: a run may be over before that."""
        if isinstance(self._intents, AsyncGenerator):
            await self._intents.aclose()


class ScriptedModel:
    """Replies that were written down before, as texts or as actions; after the last one it gives up."""

    name = "scripted"

    def __init__(self, *replies: str | ComputerAction | BrowserAction) -> None:
        self._replies = chain(replies, repeat(Terminate(status="failure")))

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """The next one."""
        match next(self._replies):
            case str(text):
                return Completion(text=text)
            case action:
                return Completion(text=reply("The script says what to do.", f"Do {action.action}.", action))


class IdleModel:
    """Does nothing and claims success: what every check must see through."""

    name = "idle"

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """Success at once."""
        return Completion(text=reply("I do nothing.", "End the task.", Terminate(status="success")))


class ReplayModel:
    """The replies of a recorded run, word for word."""

    def __init__(self, folder: Path, used: int = 0) -> None:
        """Leaves out so many of them. Raises UserError when the folder holds no run."""
        record = RunFolder(folder)
        self.name = record.run().model
        self._folder = folder
        self._replies: Iterator[Completion] = iter([step.completion for step in record.steps()][used:])

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """The next recorded reply. Raises UserError after the last one."""
        try:
            return next(self._replies)
        except StopIteration:
            raise UserError(
                f"the run in {str(self._folder)!r} has no more replies",
                cause="it was stopped at a limit or by an error",
                remedy="replay it with the limits it had",
            ) from None


_WORDS: dict[str, tuple[tuple[str, str], ...]] = {
    "left_click": (
        ("The next thing to use is {target}. I can see it, so I click it.", "Click {target}."),
        ("I need {target} now. A click in its middle will do.", "Click {target}."),
    ),
    "right_click": (("What I need is in the context menu of {target}.", "Right-click {target}."),),
    "middle_click": (("A middle click on {target} does this.", "Middle-click {target}."),),
    "double_click": (("{target} opens with a double click.", "Double-click {target}."),),
    "triple_click": (("I select all of {target}, so that it can be replaced.", "Triple-click {target} to select it."),),
    "mouse_move": (("I hold the pointer over {target} to see what it offers.", "Move the pointer to {target}."),),
    "left_click_drag": (("I have to drag {target}.", "Drag {target}."),),
    "scroll": (("I look for {target}. It must be further {way}, so I scroll.", "Scroll {way}."),),
    "hscroll": (("I look for {target}. It must be further {way}, so I scroll.", "Scroll {way}."),),
    "type": (
        ("The keyboard goes to {place}. I type what belongs there.", "Type {text}."),
        ("Now {place} gets its text.", "Type {text}."),
    ),
    "key": (("For {place} the keyboard is quickest: {keys}.", "Press {keys}."),),
    "wait": (("I need {target}, and it is not there yet. I give it {time} seconds.", "Wait {time} seconds."),),
    "terminate": (
        ("Everything that the task asks for is done, so I end it.", "End the task: {status}."),
        ("I compare the screen with the task: nothing is left to do.", "End the task: {status}."),
    ),
    "answer": (("The task asks a question, and I have found the answer: {text}.", "Answer {text}."),),
    "goto": (("The page I need is at {url}.", "Go to {url}."),),
    "back": (("I need the page before this one again.", "Go back one page."),),
    "new_tab": (("I keep this page and open another tab.", "Open a new tab."),),
    "switch_tab": (("What I need is in another tab, number {tab}.", "Switch to tab {tab}."),),
}
"""A thought that names the target, and the sentence for people; runs of an oracle are training data."""


def in_words(intent: Intent, words: Random) -> str:
    """The sentence for people that goes with an action, such as `Click the button 'Save'.`."""
    return _worded(intent, "", words)[1]


def _worded(intent: Intent, place: str, words: Random) -> tuple[str, str]:
    facts = {"target": intent.target or "it", "place": place} | _facts(intent.action)
    thought, say = words.choice(_WORDS[intent.action.action])
    return _capital(thought.format_map(facts)), _capital(say.format_map(facts))


def _facts(action: ComputerAction | BrowserAction) -> dict[str, str]:
    match action:
        case Type(text=text) | Answer(text=text):
            return {"text": _quoted(text)}
        case Key(keys=keys):
            return {"keys": "+".join(keys)}
        case Wait(time=time):
            return {"time": f"{time:g}"}
        case Terminate(status=status):
            return {"status": status}
        case Goto(url=url) | NewTab(url=url):
            return {"url": url or ""}
        case SwitchTab(tab=tab):
            return {"tab": str(tab)}
        case Scroll(pixels=pixels):
            return {"way": "up" if pixels > 0 else "down"}
        case HScroll(pixels=pixels):
            return {"way": "right" if pixels > 0 else "left"}
    return {}


def _quoted(text: str, limit: int = 60) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= limit else f'"{line[:limit]}…"'


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
