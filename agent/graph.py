"""The loop: observe, decide, act. State holds small frozen values; everything that does something is in the context."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agent.ask import ask
from agent.model import Model
from agent.prompt import messages
from agent.trace import Completion, Decision, RunFolder, Step, Stop, Unreadable
from env.base import Effect, Environment, Observation
from env.effect import classify
from scenarios.base import Limits
from tools.actions import Answer, Terminate

_IN_A_ROW = 3  # unreadable replies, or equal actions on an equal picture, that end a run


class Start(TypedDict):
    """What a turn begins with: its number, counted from 1."""

    number: int


class State(Start, total=False):
    """One turn, filled in as it goes. Its checkpoint says which node comes next; the truth is in the run folder."""

    seen: Observation
    effect: Effect | None
    completion: Completion
    reply: Decision | Unreadable
    seconds: dict[str, float]
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class Context:
    """The means of a run. `steps` grows; `began` is a time of `clock`; `tokens` limits prompts and replies together."""

    goal: str
    env: Environment
    model: Model
    folder: RunFolder
    limits: Limits
    began: float
    tokens: int | None = None
    clock: Callable[[], float] = time.monotonic
    steps: list[Step] = field(default_factory=list)
    on_step: Callable[[Step], None] = lambda step: None


async def observe(state: Start, runtime: Runtime[Context]) -> dict[str, Any]:
    """Look at the screen once it is quiet; the picture shows what the last action did."""
    run = runtime.context
    began = run.clock()
    seen = await run.env.observe(run.folder.shots)
    return {"seen": seen, "effect": last_effect(run, seen), "seconds": {"observe": round(run.clock() - began, 4)}}


async def decide(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask the model for one action, unless a limit is reached."""
    run = runtime.context
    if stop := limit_reached(run):
        return {"stop": stop}
    began = run.clock()
    completion, reply = await ask(run.model, messages(run.goal, run.steps, state["seen"], state["effect"]))
    seconds = state["seconds"] | {"decide": round(run.clock() - began, 4)}
    return {"completion": completion, "reply": reply, "seconds": seconds}


async def act(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Do what was decided, its intent on the disk first; then the whole step."""
    run, reply = runtime.context, state["reply"]
    began = run.clock()
    step = Step(number=state["number"], seen=state["seen"], effect_before=state["effect"], reply=reply,
                completion=state["completion"], seconds=state["seconds"])  # fmt: skip
    stop = ending(reply)
    if isinstance(reply, Decision) and not stop:
        run.folder.intend(step)
        outcome = await run.env.execute(step.number, reply.action)
        seconds = step.seconds | {"act": round(run.clock() - began, 4)}
        step = step.model_copy(update={"outcome": outcome, "seconds": seconds})
    run.folder.append(step)
    run.steps.append(step)
    run.on_step(step)
    return {"number": step.number + 1, "stop": stop}


def ending(reply: Decision | Unreadable) -> Stop | None:
    """What the model says to end the run, if it does."""
    match reply:
        case Decision(action=Terminate(status=status)):
            return Stop(reason="terminate", status=status)
        case Decision(action=Answer(text=text)):
            return Stop(reason="answer", answer=text)
    return None


def limit_reached(run: Context) -> Stop | None:
    """Why no further call of the model is made, if so: every limit of a run is here."""
    recent = run.steps[-_IN_A_ROW:]
    turns = {(s.seen.sha256, s.reply.action) if isinstance(s.reply, Decision) else "unreadable" for s in recent}
    used = sum(step.completion.tokens for step in run.steps)
    if len(recent) == _IN_A_ROW and len(turns) == 1:
        return Stop(reason="unreadable" if "unreadable" in turns else "stuck", limit=_IN_A_ROW)
    if len(run.steps) >= run.limits.steps:
        return Stop(reason="steps", limit=run.limits.steps)
    if run.clock() - run.began >= run.limits.seconds:
        return Stop(reason="time", limit=run.limits.seconds)
    return Stop(reason="tokens", limit=run.tokens) if run.tokens is not None and used >= run.tokens else None


def last_effect(run: Context, seen: Observation) -> Effect | None:
    """What the last action did to the picture; None where nothing was done."""
    outcome = run.steps[-1].outcome if run.steps else None
    if outcome is None or not outcome.ok:
        return None
    before = (step.outcome.point for step in reversed(run.steps[:-1]) if step.outcome and step.outcome.point)
    return classify(run.folder.picture(run.steps[-1].seen), seen.path, outcome.point, seen.size, next(before, None))


def loop() -> StateGraph[State, Context, Start, State]:
    """The graph: observe → decide → act → observe, until one of them puts a Stop into the state."""
    graph = StateGraph(State, context_schema=Context, input_schema=Start, output_schema=State)
    for node in (observe, decide, act):
        graph.add_node(node)
    graph.add_edge(START, "observe")
    graph.add_edge("observe", "decide")
    graph.add_conditional_edges("decide", lambda state: END if state.get("stop") else "act", ["act", END])
    graph.add_conditional_edges("act", lambda state: END if state["stop"] else "observe", ["observe", END])
    return graph


@asynccontextmanager
async def checkpoints(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """Where LangGraph keeps which node comes next. Only the values of `State` are read back from it."""
    values = [Observation, Effect, Completion, Decision, Unreadable, Stop]
    async with aiosqlite.connect(file) as database:
        serde = JsonPlusSerializer(allowed_msgpack_modules=[(cls.__module__, cls.__name__) for cls in values])
        yield AsyncSqliteSaver(database, serde=serde)
