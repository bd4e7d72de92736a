"""The person at the terminal: asked whether an action may be done, and how to go on when they took the pointer."""

import asyncio
import sys

from rich.console import Console
from rich.text import Text

from agent.commands.live import StepTable
from agent.means import Ask, nobody
from agent.trace import Leave, Question
from agent.words import action_words

_KEYS = {"y": "allow", "yes": "allow", "n": "deny", "no": "deny", "s": "stop", "stop": "stop"}


def person(out: Console, table: StepTable) -> Ask:
    """Asks on the terminal; where there is none everything is denied, with a line that says so."""

    async def ask(question: Question) -> Leave:
        with table.held():
            out.print(Text(_words(question), style="bold"))
            if not sys.stdin.isatty():
                out.print(Text("no terminal to ask on: denied (--yes allows everything, --approve chooses)"))
                return await nobody(question)
            return await _answer(out, question)

    return ask


def _words(question: Question) -> str:
    if question.kind == "display" or question.action is None:
        return "You moved the pointer, so nothing more is done. When you are ready:"
    return f"{question.number:>3}  {question.say}  [{action_words(question.action)}]"


async def _answer(out: Console, question: Question) -> Leave:
    choice = "[y]es, [n]o and why, [s]top" if question.kind == "action" else "[y]es, go on, [s]top"
    while True:
        out.print(Text(f"     {choice}: ", style="bold"), end="")
        said, _, reason = (await _line()).strip().partition(" ")
        if not said and reason == "":
            continue
        if (answer := _KEYS.get(said.lower())) and (question.kind == "action" or answer != "deny"):
            return Leave.model_validate({"answer": answer, "reason": reason.strip()})


async def _line() -> str:
    """A line from the terminal, without a thread that would hold up Ctrl-C; its end is the word stop."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline() or "stop"
