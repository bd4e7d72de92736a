"""What is said over HTTP: orders and answers in, runs and steps out. Also what the store keeps of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic.config import JsonDict

from agent.rules import Rule
from agent.trace import GOAL, Decision, Step
from env.allow import known_domains
from env.vault import SHORTEST
from scenarios.base import CheckResult
from tools.actions import Action

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,79}$")]
ScenarioId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$",
                                              max_length=200)]  # fmt: skip
"""An id such as `web/login`; never a path of a file."""
TestId = Annotated[str, StringConstraints(
    pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*\.yaml(::[^\x00-\x1f\x7f]+)?$", max_length=300
)]  # fmt: skip
"""A test by where it lies below its folder, and by the row of its table: `shop/test_login.yaml::ada`."""
Priority = Literal["low", "normal", "high"]


class Role(StrEnum):
    """What a token may do; each role may do what the one before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        """Whether it may do what `other` may."""
        roles = list(Role)
        return roles.index(self) >= roles.index(other)


class State(StrEnum):
    """Where a run is; how it ended is its `status`."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    ENDED = "ended"


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoalWorld(_Wire):
    """Where a goal in plain words is pursued. A browser may begin at `url`, and reach further domains in `allow`."""

    kind: Literal["desktop", "browser", "headless"] = "desktop"
    url: str | None = Field(default=None, max_length=2000)
    allow: tuple[str, ...] = Field(default=(), max_length=100)


class Limits(_Wire):
    """What a run may use up; unset takes what the scenario or the service says. Never more than that."""

    steps: int | None = Field(default=None, ge=1, le=10_000)
    seconds: float | None = Field(default=None, gt=0, le=86_400)
    tokens: int | None = Field(default=None, ge=1)


class Guard(_Wire):
    """What may be done: a person is asked about the verbs in `approve` first, and as `rules` say; the others allow."""

    approve: tuple[str, ...] = Field(default=(), max_length=50)
    actions: tuple[str, ...] | None = Field(default=None, max_length=50)
    domains: tuple[str, ...] | None = Field(default=None, max_length=100)
    rules: tuple[Rule, ...] = Field(default=(), max_length=50)


class Manner(_Wire):
    """How runs are to be done, whatever they are of. `secrets` are names; their values are the service's.

    `webhook` is told when a run has ended.
    """

    model: str = Field(default="", max_length=300)
    limits: Limits = Limits()
    guard: Guard = Guard()
    secrets: tuple[Name, ...] = Field(default=(), max_length=50)
    priority: Priority = "normal"
    webhook: Annotated[str, StringConstraints(pattern=r"^https?://[^/@\s]+(/\S*)?$", max_length=2000)] | None = None


_SCENARIO: JsonDict = {"scenario": "web/login", "seed": 3, "model": "oracle"}
_TEST: JsonDict = {"test": "shop/test_login.yaml::ada"}
_GOAL: JsonDict = {"goal": "Find the opening hours and answer with them.", "world": {"kind": "browser", "url":
         "https://shop.example/"}, "limits": {"steps": 30}, "guard": {"approve": ["type"], "rules":
         [{"effect": "deny", "text": ["buy", "order now"], "why": "look only"}]}}  # fmt: skip


class RunOrder(Manner):
    """One run to be done: of a scenario at a seed, of a test, or of a goal in plain words."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SCENARIO, _GOAL, _TEST]})

    scenario: ScenarioId | None = None
    seed: int = Field(default=0, ge=0, le=2**31)
    test: TestId | None = None
    goal: str | None = Field(default=None, min_length=1, max_length=10_000)
    world: GoalWorld | None = None

    @property
    def name(self) -> str:
        """What the run is of: the id of a scenario or of a test, else `goal`."""
        return self.scenario or self.test or GOAL

    @model_validator(mode="after")
    def _one_of_all(self) -> Self:
        if sum(what is not None for what in (self.scenario, self.test, self.goal)) != 1:
            raise ValueError("give either a scenario, a test or a goal")
        if self.world and self.goal is None:
            raise ValueError("a scenario or a test brings its own world; leave out `world`")
        if self.seed and self.scenario is None:
            raise ValueError("only a scenario is drawn from a seed; leave out `seed`")
        return self


class BatchOrder(Manner):
    """Many runs as one job: every scenario that a pattern fits, at every seed; or every such test."""

    model_config = ConfigDict(json_schema_extra={"examples": [
        {"scenarios": ["web/*"], "seeds": [0, 1, 2], "model": "oracle"}, {"tests": ["shop/*"]}
    ]})  # fmt: skip

    name: Name = "batch"
    scenarios: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*?/.-]+$", max_length=200)], ...] = Field(
        default=(), max_length=100
    )
    seeds: tuple[Annotated[int, Field(ge=0, le=2**31)], ...] = Field(default=(0,), min_length=1, max_length=1000)
    tests: tuple[Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=300)], ...] = Field(
        default=(), max_length=100
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.scenarios) == bool(self.tests):
            raise ValueError("give either scenarios or tests")
        if self.tests and self.seeds != (0,):
            raise ValueError("only scenarios are drawn from seeds; leave out `seeds`")
        return self


class ScheduleOrder(_Wire):
    """A run or a batch that is ordered again and again: `cron` has five fields, its times are of `timezone`."""

    model_config = ConfigDict(json_schema_extra={"examples": [
        {"name": "nightly", "cron": "0 3 * * *", "batch": {"scenarios": ["web/*"], "model": "oracle"}}
    ]})  # fmt: skip

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]
    cron: Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$", max_length=100)]
    timezone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,60}$")] = "UTC"
    run: RunOrder | None = None
    batch: BatchOrder | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.run is None) == (self.batch is None):
            raise ValueError("give either a run or a batch")
        return self


class ScheduleView(ScheduleOrder):
    """A schedule, whose it is, and when it last came."""

    owner: str
    last: datetime | None = None


class Answer(_Wire):
    """A person's answer to what a run asks; `question` is the id that the run shows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "1-4", "answer": "deny", "reason": "no"}]})

    question: str = Field(max_length=40)
    answer: Literal["allow", "deny", "stop"]
    reason: str = Field(default="", max_length=2000)


class Note(_Wire):
    """A word to the model as its run goes on."""

    note: str = Field(default="", max_length=2000)


class Deed(_Wire):
    """One action that a person who took over wants done in the world, by the same words as the model's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"action": {"action": "left_click", "coordinate": [500, 500]}}]}
    )

    action: Action
    note: str = Field(default="", max_length=200)


class Asking(_Wire):
    """What a run wants to know of a person."""

    id: str
    kind: Literal["action", "display", "pause"]
    step: int
    say: str = ""
    action: dict[str, Any] | None = None
    why: str = ""


class Attempt(_Wire):
    """One try at a run: in a fresh world, or (`resumed`) in the one that a dead worker left; and how it ended."""

    number: int
    worker: str
    resumed: bool = False
    after_steps: int = 0
    began: datetime
    ended: datetime | None = None
    outcome: str = ""


class RunView(_Wire):
    """A run as the service tells of it. `status` and `why` say how it ended; `scenario` may be the id of a test."""

    id: str
    owner: str
    batch: str | None = None
    scenario: str
    seed: int
    goal: str
    model: str
    priority: Priority
    state: State
    status: str | None = None
    why: str = ""
    holder: str | None = None
    question: Asking | None = None
    steps: int = 0
    tokens: int = 0
    created: datetime
    began: datetime | None = None
    ended: datetime | None = None
    attempts: tuple[Attempt, ...] = ()


class RunPage(_Wire):
    """Runs, the newest first; `next` is the `before` of the following page, None on the last."""

    runs: tuple[RunView, ...]
    next: str | None = None


class BatchView(_Wire):
    """A batch and how far it is: runs by state, and those that ended by status."""

    id: str
    owner: str
    name: str
    created: datetime
    total: int
    states: dict[str, int]
    statuses: dict[str, int]


class StepView(_Wire):
    """A step of a run. `screenshot` is what was seen before it: the name of a picture of the run, empty without one.

    A step of a test has no action of its own: `say` is what its file says.
    """

    number: int
    screenshot: str
    say: str
    thought: str = ""
    action: dict[str, Any] | None = None
    ok: bool | None = None
    note: str = ""
    tokens: int = 0
    seconds: float = 0.0
    by_person: bool = False

    @classmethod
    def of(cls, step: Step) -> Self:
        """A recorded step for those who follow the run."""
        reply, outcome = step.reply, step.outcome
        decided = isinstance(reply, Decision)
        return cls(
            number=step.number, screenshot=step.seen.sha256,
            say=reply.say if isinstance(reply, Decision) else reply.why,
            thought=reply.thought if isinstance(reply, Decision) else "",
            action=reply.action.model_dump(mode="json", exclude_none=True) if isinstance(reply, Decision) else None,
            ok=outcome.ok if outcome else None if decided else False, note=outcome.note if outcome else "",
            tokens=step.completion.tokens, seconds=round(sum(step.seconds.values()), 4),
            by_person=step.completion.model == "person",
        )  # fmt: skip


class StepPage(_Wire):
    """Steps of one attempt at a run, in their order; `result` is the check's once it has ended."""

    attempt: int
    steps: tuple[StepView, ...]
    result: CheckResult | None = None


class AccountOrder(_Wire):
    """Somebody who is to be let in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ada", "role": "operator"}]})

    name: Name
    role: Role


class AccountView(_Wire):
    """Somebody who is let in; `token` is shown once, when it was made."""

    name: str
    role: Role
    created: datetime
    token: str | None = None


class SecretOrder(_Wire):
    """A secret to be kept, and where it may be typed: into pages of `domains`, or `apps` by their window class."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"value": "correct horse", "domains": ["shop.example"]}]},
        hide_input_in_errors=True,
    )

    value: SecretStr = Field(min_length=SHORTEST, max_length=4000)
    domains: Annotated[tuple[str, ...], AfterValidator(known_domains)] = Field(default=(), max_length=100)
    apps: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=100
    )

    @model_validator(mode="after")
    def _belongs_somewhere(self) -> Self:
        if not (self.domains or self.apps):
            raise ValueError("give the domains or the apps that it may be typed into")
        return self


class SecretView(_Wire):
    """A secret by its name; its value is told to nobody."""

    name: str
    domains: tuple[str, ...]
    apps: tuple[str, ...]
    changed: datetime


class Problem(_Wire):
    """What went wrong with a request (RFC 9457): what, the likely cause, the next step."""

    title: str
    status: int
    detail: str = ""
    remedy: str = ""
