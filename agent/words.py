"""How runs, actions and durations are put into words for people: the same in the terminal and in reports."""

from typing import Literal, NamedTuple

from agent.trace import Run, Status, Stop
from scenarios.base import CheckResult
from tools.actions import BrowserAction, ComputerAction, HScroll, Key, NewTab, Scroll

PHASES = {"observe": "Looking", "decide": "Deciding", "act": "Acting"}
"""The phases of a step (agent.trace.Step.seconds) in order, by what happens in them."""

Tone = Literal["good", "bad", "warn", "muted"]


class Verdict(NamedTuple):
    """How a run ended, in a word, and why, in a sentence."""

    word: str
    tone: Tone
    why: str


_ENDINGS: dict[Status, tuple[str, Tone]] = {
    Status.PASSED: ("Passed", "good"),
    Status.FAILED: ("Failed", "bad"),
    Status.LIMIT: ("Stopped at a limit", "warn"),
    Status.UNREADABLE: ("Unreadable replies", "warn"),
    Status.UNCHECKED: ("Done, unchecked", "good"),
    Status.STOPPED: ("Stopped by a person", "muted"),
    Status.ERROR_MODEL: ("Error in the model", "muted"),
    Status.ERROR_ENV: ("Error in the world", "muted"),
    Status.ERROR_SCENARIO: ("Error in the scenario", "muted"),
}


def verdict(run: Run) -> Verdict:
    """How a run ended. One that was cut off, or goes on, says that too."""
    said = run.failure.message if run.failure else ""
    if run.status is None:
        if run.failure:
            return Verdict("Cut off", "muted", f"it has no result and can be done again: {said or run.failure.kind}")
        return Verdict("Unfinished", "muted", "it goes on, or its process died and `surehand resume` goes on with it")
    word, tone = _ENDINGS[run.status]
    if run.status is Status.UNCHECKED:
        return _claimed(run, word, tone)
    if run.stop and run.status in (Status.LIMIT, Status.UNREADABLE):
        return Verdict(word, tone, _stopped(run.stop))
    return Verdict(word, tone, _found(run.result) if run.result else said)


def _claimed(run: Run, word: str, tone: Tone) -> Verdict:
    """What the model says of a goal that nothing checks."""
    stop = run.stop
    if stop and stop.status == "failure":
        return Verdict("Given up", "warn", "the model says that it cannot be done; nothing checked it")
    who = run.model if run.model == "person" else "model"
    said = f"its answer is {stop.answer!r}" if stop and stop.answer is not None else f"the {who} says that it is done"
    return Verdict(word, tone, f"{said}; nothing checked it")


def _found(result: CheckResult) -> str:
    """A check's sentence; where it has many parts and all of them hold, their number says more."""
    match result.evidence.get("parts"):
        case [_, _, *_] as parts if all(isinstance(part, dict) and part.get("score") == 1 for part in parts):
            return f"all {len(parts)} parts of its check hold"
    return result.why


def _stopped(stop: Stop) -> str:
    limit = f"{stop.limit or 0:g}"
    return {
        "steps": f"it used all of its {limit} steps",
        "time": f"its {limit} seconds were over",
        "tokens": f"it used all of its {limit} tokens",
        "stuck": f"its last {limit} actions led nowhere, though it was told",
        "unreadable": f"{limit} replies in a row could not be read",
    }.get(stop.reason, stop.reason)


_VERBS = {
    "type": "type “{text}”",
    "answer": "answer “{text}”",
    "wait": "wait {time:g} s",
    "terminate": "end the task: {status}",
    "left_click_drag": "drag",
    "goto": "go to {url}",
    "back": "go back",
    "switch_tab": "switch to tab {tab}",
}


def action_words(action: ComputerAction | BrowserAction) -> str:
    """An action in a few words, such as `type “hello”`; where it goes is left to the picture."""
    match action:
        case Key(keys=keys):
            return "press " + "+".join(keys)
        case Scroll(pixels=pixels):
            return f"scroll {'up' if pixels > 0 else 'down'} {abs(pixels):g} px"
        case HScroll(pixels=pixels):
            return f"scroll {'right' if pixels > 0 else 'left'} {abs(pixels):g} px"
        case NewTab(url=url):
            return f"open a tab at {url}" if url else "open a tab"
    return _VERBS.get(action.action, action.action.replace("_", " ")).format_map(dict(action))


def seconds_words(seconds: float) -> str:
    """`80 ms`, `3.4 s`, `2 min 5 s`."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return f"{int(seconds + 0.5) // 60} min {int(seconds + 0.5) % 60} s"
