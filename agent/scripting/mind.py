"""Words in a test, done by a model: the loop runs in the test's own world, as a run with a record of its own.

What the model says of its work is all that is known of it here; the test's expectations judge it.
"""

from collections.abc import Callable
from pathlib import Path

from agent.means import ALONE, MakeModel, Means
from agent.report import write_report
from agent.scripting.lent import Lent, Shown
from agent.scripting.minds import Pointed, Told
from agent.trace import Decision, Run, RunFolder, Status, Unreadable
from agent.words import action_words, verdict
from env.base import Environment
from scenarios.base import Limits, Task, World
from tools.actions import Answer, Click, MouseMove, Terminate
from tools.errors import EnvError, ModelError, ScenarioError
from tools.geometry import Rect, Size

_POINT = """Point at one thing on the screen: give its box with left_click. Nothing will be clicked.
What is meant: {thing}
If there is nothing like it on the screen, terminate with status failure."""
_JUDGE = """Judge one statement about what the screen shows now. Answer with the text yes if it is true, with the text
no if it is not, and with no other word. Do nothing else.
The statement: {statement}"""
_ERRORS: dict[Status, type[EnvError | ModelError | ScenarioError]] = {
    Status.ERROR_ENV: EnvError,
    Status.ERROR_MODEL: ModelError,
    Status.ERROR_SCENARIO: ScenarioError,
}


class Words:
    """A Mind: what the words ask for is done by the model that `make_model` makes for them."""

    def __init__(
        self, make_model: Callable[[Task], MakeModel], world: World, size: Size, limits: Limits, folder: Path,
        means: Means = ALONE, *, aside: str = "", seen_as: Callable[[Environment], Environment] = lambda world: world,
    ) -> None:  # fmt: skip
        """`aside` is added to all words, `seen_as` wraps the world for the model's eyes."""
        self._make_model, self._world, self._size = make_model, world, size
        self._limits, self._folder, self._means, self._aside, self._seen_as = limits, folder, means, aside, seen_as
        self._count = 0

    async def do(self, words: str, world: Environment, number: int) -> tuple[Told, int]:
        """Runs the loop until the model ends it. Raises what broke: the world or the model."""
        lent = Lent(world, number)
        run, folder = await self._run("do", words + self._aside, lent, self._limits, self._means)
        ended = verdict(run)
        done = run.status is Status.UNCHECKED and run.stop is not None and run.stop.status != "failure"
        why = "" if done else f"the model did not do it: {ended.why or ended.word}"
        return Told(done, why, run=folder), lent.number

    async def point(self, thing: str, world: Environment) -> Pointed:
        """Asks for one click, which is not done. Raises what broke: the world or the model."""
        reply, folder = await self._ask("point", _POINT.format(thing=thing), world)
        match reply:
            case Decision(action=action) if isinstance(action, Click | MouseMove):
                size = await world.probe().size()
                x, y = action.point(size) or (0, 0)
                rect = action.bbox_2d.to_rect(size) if action.bbox_2d else Rect(x, y, x + 1, y + 1)
                return Pointed(rect, run=folder)
            case Decision(action=Terminate()):
                return Pointed(None, "the model does not see it", folder)
        return Pointed(None, f"the model was to point at it, and {_instead(reply)}", folder)

    async def judge(self, statement: str, world: Environment) -> Told:
        """Asks for yes or no. Raises ModelError for any other answer, and what broke."""
        reply, folder = await self._ask("judge", _JUDGE.format(statement=statement), world)
        match reply:
            case Decision(action=Answer(text=text)) if (said := text.strip().casefold()) in ("yes", "no"):
                return Told(said == "yes", "" if said == "yes" else f"the model says no to {statement!r}", run=folder)
        raise ModelError(f"the model was to answer yes or no, and {_instead(reply)}")

    async def _ask(self, kind: str, goal: str, world: Environment) -> tuple[Decision | Unreadable | None, Path]:
        """One answer to one look at the screen, and the folder of its run; None where a limit left no room for it."""
        once = Limits(steps=1, seconds=self._limits.seconds)
        _, folder = await self._run(kind, goal, Shown(world, 1), once, Means(tokens=self._means.tokens))
        return next((step.reply for step in RunFolder(folder).steps()), None), folder

    async def _run(self, kind: str, goal: str, world: Environment, limits: Limits, means: Means) -> tuple[Run, Path]:
        """A run in the test's world, with a record of its own."""
        from agent import runner  # tests without words do without LangGraph

        self._count += 1
        name = f"{kind}-{self._count}"
        task = Task(scenario=name, seed=0, world=self._world, goal=goal, check=None, size=self._size, limits=limits)
        folder = self._folder / name
        run = await runner.run(task, self._make_model(task), lambda task: self._seen_as(world), folder, means)
        write_report(folder)
        if run.status in _ERRORS:
            raise _ERRORS[run.status](run.failure.message if run.failure else "for no known reason")
        return run, folder


def _instead(reply: Decision | Unreadable | None) -> str:
    match reply:
        case Decision(action=action):
            return f"wanted to {action_words(action)}"
        case Unreadable(why=why):
            return f"could not be read: {why}"
    return "gave no answer within its limits"
