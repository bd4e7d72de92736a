"""The loop: observe, decide, act. State holds small frozen values; everything that does something is in the context."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.ask import ask
from agent.guard import circle, limit_reached
from agent.model import Model
from agent.model import reply as written
from agent.prompt import messages
from agent.rules import Deed, Rule, ruling, target_of
from agent.trace import Completion, Decision, Leave, Question, RunFolder, Step, Stop, Unreadable
from agent.tracing import spanned
from env.base import Effect, Environment, Observation
from env.effect import classify
from scenarios.base import Limits
from tools.actions import Answer, BrowserAction, ComputerAction, Outcome, Terminate, Type


class Start(TypedDict):
    """What a turn begins with: its number, counted from 1."""

    number: int


class State(Start, total=False):
    """One turn, filled in as it goes. Its checkpoint says which node comes next; the truth is in the run folder.

    `said` is what a person said as they let the run go on; the action is `theirs` where they gave one instead.
    """

    seen: Observation
    effect: Effect | None
    notice: str
    said: str
    theirs: bool
    completion: Completion
    reply: Decision | Unreadable
    rule: Rule | None
    leave: Leave | None
    seconds: dict[str, float]
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class Context:
    """The means of a run. `steps` grows; `began` is a time of `clock`; `tokens` limits prompts and replies together.

    `approve` holds the verbs that need a person's leave, `rules` say more of that; with `patient` there are no
    limits. While `hold` says so the run waits for a person. `over` asks a task that ends by itself whether it has.
    """

    goal: str
    env: Environment
    model: Model
    folder: RunFolder
    limits: Limits
    began: float
    tokens: int | None = None
    approve: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    patient: bool = False
    hold: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    steps: list[Step] = field(default_factory=list)
    on_step: Callable[[Step], None] = lambda step: None
    over: Callable[[], Awaitable[bool]] | None = None


async def observe(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Look at the screen once it is quiet; the picture shows what the last action did."""
    run = runtime.context
    began = run.clock()
    seen = await run.env.observe(run.folder.shots)
    effect = last_effect(run, seen)
    found = None if run.patient else circle(run.steps, seen, effect)
    seconds = {"observe": round(run.clock() - began, 4)}
    notice = "; ".join(words for words in (state.get("said"), found and found.words) if words)
    return {"seen": seen, "effect": effect, "notice": notice, "said": "", "theirs": False, "rule": None,
            "leave": None, "stop": None, "seconds": seconds}  # fmt: skip


async def pause(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Waits for the person who took the pointer or asked for it; what they did is looked at afterwards."""
    kind: Literal["display", "pause"] = "display" if state["seen"].person else "pause"
    leave: Leave = interrupt(Question(kind=kind, number=state["number"]))
    if leave.action is not None:
        said = leave.reason or "A person does this."
        completion = Completion(text=written("", said, leave.action), model="person")
        decision = Decision(thought="", say=said, action=leave.action)
        return {"theirs": True, "completion": completion, "reply": decision}
    said = f"the user says: {leave.reason}" if leave.reason else ""
    return {"stop": Stop(reason="person") if leave.answer == "stop" else None, "said": said}


async def decide(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask the model for one action, unless the task is over or a limit is reached."""
    run = runtime.context
    seen, effect = state["seen"], state["effect"]
    if run.over and await run.over():
        return {"stop": Stop(reason="over")}
    used = run.clock() - run.began
    if not run.patient and (stop := limit_reached(run.steps, seen, effect, run.limits, used, run.tokens)):
        return {"stop": stop}
    began = run.clock()
    completion, reply = await ask(run.model, messages(run.goal, run.steps, seen, effect, state["notice"]))
    seconds = state["seconds"] | {"decide": round(run.clock() - began, 4)}
    rule = await ruled(run, reply.action, seen) if isinstance(reply, Decision) else None
    return {"completion": completion, "reply": reply, "rule": rule, "seconds": seconds}


async def approve(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Asks a person. Nothing may precede the interrupt: the node begins anew with their answer."""
    leave: Leave = interrupt(asked(state))
    return {"leave": leave}


async def act(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Do what was decided, its intent on the disk first; then the whole step."""
    run, reply = runtime.context, state["reply"]
    began = run.clock()
    step = Step(
        number=state["number"], seen=state["seen"], effect_before=state["effect"], notice=state["notice"], reply=reply,
        completion=state["completion"], leave=state["leave"], seconds=state["seconds"],
    )  # fmt: skip
    stop = ending(reply, step.leave)
    if step.leave and step.leave.answer != "allow":
        step = step.model_copy(update={"outcome": denied(step.leave)})
    elif (rule := state["rule"]) and rule.effect == "deny":
        step = step.model_copy(update={"outcome": forbidden(rule)})
    elif isinstance(reply, Decision) and not stop:
        run.folder.intend(step)
        outcome = await run.env.execute(step.number, reply.action)
        seconds = step.seconds | {"act": round(run.clock() - began, 4)}
        step = step.model_copy(update={"outcome": outcome, "seconds": seconds})
    run.folder.append(step)
    run.steps.append(step)
    run.on_step(step)
    return {"number": step.number + 1, "stop": stop}


def after_look(state: State, runtime: Runtime[Context]) -> Literal["pause", "decide"]:
    """Nobody decides while a person has the world, or wants the run to wait."""
    return "pause" if state["seen"].person or runtime.context.hold() else "decide"


def after_pause(state: State) -> Literal["act", "observe", "__end__"]:
    """To the end, to what the person wants done, or on."""
    if state["stop"]:
        return "__end__"
    return "act" if state["theirs"] else "observe"


def after_decision(state: State, runtime: Runtime[Context]) -> Literal["approve", "act", "__end__"]:
    """Whom what was decided goes to: nobody at a limit, first a person where the action needs leave."""
    if state["stop"]:
        return "__end__"
    reply, rule = state["reply"], state["rule"]
    if not isinstance(reply, Decision) or ending(reply) or (rule and rule.effect == "deny"):
        return "act"
    return "approve" if rule or reply.action.action in runtime.context.approve else "act"


def asked(state: State) -> Question:
    """What the person has to decide."""
    reply = state["reply"]
    assert isinstance(reply, Decision)
    why = state["rule"].why if state["rule"] else ""
    return Question(kind="action", number=state["number"], say=reply.say, action=reply.action, why=why)


async def ruled(run: Context, action: ComputerAction | BrowserAction, seen: Observation) -> Rule | None:
    """The rule that decides about an action, if any does. The world is asked only where a rule is about targets."""
    if not run.rules:
        return None
    target = await target_of(action, seen, run.env.probe()) if any(rule.text for rule in run.rules) else ""
    done = [step.reply.action for step in run.steps if isinstance(step.reply, Decision)]
    typed = sum(len(one.text) for one in (*done, action) if isinstance(one, Type))
    return ruling(run.rules, Deed(action, seen.url, target, typed))


def forbidden(rule: Rule) -> Outcome:
    """What the model hears of an action that a rule forbids."""
    return Outcome(ok=False, note="not done: a rule forbids it" + (f" ({rule.why})" if rule.why else ""))


def denied(leave: Leave) -> Outcome:
    """What the model hears of an answer that was no leave."""
    return Outcome(
        ok=False, note="not done: the user did not allow it" + (f" ({leave.reason})" if leave.reason else "")
    )


def ending(reply: Decision | Unreadable, leave: Leave | None = None) -> Stop | None:
    """What the model or the person says to end the run, if either does."""
    if leave and leave.answer == "stop":
        return Stop(reason="person")
    match reply:
        case Decision(action=Terminate(status=status)):
            return Stop(reason="terminate", status=status)
        case Decision(action=Answer(text=text)):
            return Stop(reason="answer", answer=text)
    return None


def last_effect(run: Context, seen: Observation) -> Effect | None:
    """What the last action did to the picture; None where nothing was done."""
    outcome = run.steps[-1].outcome if run.steps else None
    if outcome is None or not outcome.ok:
        return None
    before = (step.outcome.point for step in reversed(run.steps[:-1]) if step.outcome and step.outcome.point)
    return classify(run.folder.picture(run.steps[-1].seen), seen.path, outcome.point, seen.size, next(before, None))


def _about(state: State, runtime: Runtime[Context]) -> dict[str, str | int]:
    """What a span tells of a node."""
    told: dict[str, str | int] = {"run": runtime.context.folder.path.name, "step": state["number"]}
    reply = state.get("reply")
    return told | ({"verb": reply.action.action} if isinstance(reply, Decision) else {})


def loop() -> StateGraph[State, Context, Start, State]:
    """The graph: observe → decide → (approve) → act → observe, until one of them puts a Stop into the state."""
    graph = StateGraph(State, context_schema=Context, input_schema=Start, output_schema=State)
    for node in (observe, pause, decide, approve, act):
        graph.add_node(node.__name__, spanned(node, _about))
    graph.add_edge(START, "observe")
    graph.add_conditional_edges("observe", after_look)
    graph.add_conditional_edges("pause", after_pause)
    graph.add_conditional_edges("decide", after_decision)
    graph.add_edge("approve", "act")
    graph.add_conditional_edges("act", lambda state: END if state["stop"] else "observe", ["observe", END])
    return graph


@asynccontextmanager
async def checkpoints(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """Where LangGraph keeps which node comes next. Only the values of `State` are read back from it."""
    values = [Observation, Effect, Completion, Decision, Unreadable, Question, Leave, Rule, Stop]
    async with aiosqlite.connect(file) as database:
        serde = JsonPlusSerializer(allowed_msgpack_modules=[(cls.__module__, cls.__name__) for cls in values])
        yield AsyncSqliteSaver(database, serde=serde)
