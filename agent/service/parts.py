"""What a run is made of: from an order to a task or a test, a model and a world, within what the settings allow."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from pydantic import ValidationError

from agent.commands.goal import Asked, goal_task
from agent.commands.test import make_mind, make_world, needs_no_model
from agent.commands.wiring import approvals, described, kept_world, model_for, require_model, task_for, worlds
from agent.scripting import ids as test_ids
from agent.secrets import secrets_of
from agent.service.orders import RunOrder
from agent.service.places import is_inside, is_own
from agent.service.prepared import Prepared, PreparedTask
from agent.service.safe import Safe
from agent.service.setup import Setup
from agent.service.testing import PreparedTest
from agent.settings import Bound, Settings, load
from env.allow import Allow, place_of
from env.vault import Secret
from scenarios.base import Task
from scenarios.loader import is_id, matching
from tools.errors import UserError

BASELINES = ("oracle", "idle", "fail", "random")
"""Models without weights, which everybody may ask for."""
N = TypeVar("N", int, float)


class Parts(Protocol):
    """Turns orders into runs."""

    def prepared(self, order: RunOrder) -> Prepared:
        """Everything about a run but that it begins. Raises UserError for an order that cannot be carried out."""
        ...

    def secrets(self) -> Mapping[str, Secret]:
        """Every secret there is, for whoever must not tell one. Raises UserError, DBAPIError."""
        ...

    def scenarios(self, patterns: Iterable[str]) -> list[str]:
        """The ids that any of the patterns fits. Raises UserError for one that fits none."""
        ...

    def tests(self, patterns: Iterable[str]) -> list[str]:
        """The same of tests."""
        ...


class SurehandParts:
    """The scenarios, models and worlds of this surehand, as its settings allow them, and the tests of its folders."""

    def __init__(self, setup: Setup, safe: Safe | None = None) -> None:
        """Raises UserError for settings with mistakes, and for folders of tests that cannot be read together."""
        self._setup, self._settings, self._safe = setup, load(setup.config), safe
        test_ids.files(setup.tests)

    def prepared(self, order: RunOrder) -> Prepared:
        """A scenario at its seed, a test, or a goal in a world of its own."""
        kept = {name: secret for name, secret in self._kept().items() if name in order.secrets}
        settings = self._set(order, kept)
        self._outside(order.webhook)
        if order.test is not None:
            return self._test(settings, kept, order.test)
        require_model(settings)
        task = self._task(settings, order)
        return PreparedTask(
            task=task, settings=settings.model_dump(mode="json"), tokens=settings.tokens,
            make_model=lambda used: model_for(settings, task, used), make_world=lambda: worlds(settings, kept),
            kept=lambda run: kept_world(settings, task, run), seen_as=lambda world: described(settings, world),
            approve=approvals(settings, task), rules=settings.rules,
        )  # fmt: skip

    def secrets(self) -> Mapping[str, Secret]:
        """Those of the settings, and those that the service keeps."""
        return {**self._kept(), **secrets_of(self._settings)}

    def scenarios(self, patterns: Iterable[str]) -> list[str]:
        """Those of the loader."""
        found: dict[str, None] = {}
        for pattern in patterns:
            ids = matching(pattern, self._settings.scenarios)
            if not ids:
                raise UserError(f"no scenario fits {pattern!r}", remedy="`surehand scenarios list` shows them all")
            found |= dict.fromkeys(ids)
        return list(found)

    def tests(self, patterns: Iterable[str]) -> list[str]:
        """Those below the folders that the service was told of."""
        return test_ids.matching(patterns, self._setup.tests)

    def _test(self, settings: Settings, kept: Mapping[str, Secret], name: str) -> PreparedTest:
        """A test within the order's limits. Only the service's own settings open a way out of its world."""
        case = test_ids.case_named(name, self._setup.tests)
        needs_no_model([case], settings, asks=True)
        if settings.model:
            require_model(settings)
        limit = _least(case.file.limit, settings.seconds)
        case = replace(case, file=case.file.model_copy(update={"limit": limit}))
        network = bool(self._settings.allow_domains)
        return PreparedTest(
            case=case, settings=settings.model_dump(mode="json"), make_mind=make_mind(settings, asks=True),
            make_world=lambda: make_world(settings, network=network, kept=kept),
        )  # fmt: skip

    def _task(self, settings: Settings, order: RunOrder) -> Task:
        if order.scenario is not None:
            if not is_id(order.scenario, settings.scenarios):
                raise UserError(f"no scenario {order.scenario!r}", remedy="`surehand scenarios list` shows them all")
            return task_for(settings, order.scenario, order.seed)
        world = order.world
        if world is None:
            return goal_task(settings, Asked(order.goal or "", "desktop"))
        for place in (world.url, *world.allow):
            self._outside(place)
        return goal_task(settings, Asked(order.goal or "", world.kind, world.url, world.allow))

    def _outside(self, place: str | None) -> None:
        """Raises UserError for a place that is inside; the service itself always is: no agent is led there."""
        if place is None:
            return
        found = place_of(place)
        if found is None or (is_inside(found[0]) and not self._setup.private):
            raise UserError(f"{place!r} is no public address", remedy="start the service with --private to allow it")
        every_port = "://" not in place and ":" not in place
        if is_own(found[0], self._setup.known_as) and (every_port or found[1] == self._setup.port):
            raise UserError(f"{place!r} leads to the service itself", remedy="name another place, with its port")

    def _kept(self) -> dict[str, Secret]:
        """Secrets that the service keeps; one of the settings counts before one of the same name."""
        kept = self._safe.secrets() if self._safe else {}
        return {name: secret for name, secret in kept.items() if name not in self._settings.secrets}

    def _set(self, order: RunOrder, kept: Mapping[str, Secret]) -> Settings:
        """The service's settings, narrowed by the order. Raises UserError."""
        base = self._settings
        model = order.model or base.model
        if model not in {base.model, *BASELINES, *self._setup.models}:
            raise UserError(f"this service offers no model {model!r}", remedy="leave it out to take the service's own")
        if unknown := set(order.secrets) - base.secrets.keys() - kept.keys():
            raise UserError(
                f"no secret {min(unknown)!r}", remedy="GET /v1/secrets and the settings name those there are"
            )
        bound = {name: Bound(domains=one.domains, apps=one.apps) for name, one in kept.items()}
        limits, guard = order.limits, order.guard
        values = base.model_dump() | {
            "model": model, "steps": _least(base.steps, limits.steps), "seconds": _least(base.seconds, limits.seconds),
            "tokens": _least(base.tokens, limits.tokens), "approve": (*(base.approve or ()), *guard.approve) or None,
            "private": base.private and self._setup.private, "rules": (*base.rules, *guard.rules),
            "secrets": bound | {name: where for name, where in base.secrets.items() if name in order.secrets},
        }  # fmt: skip
        if order.world and order.world.kind == "headless":
            values["browser"] = "headless"
        try:
            allow = base.allow.narrowed(Allow(actions=guard.actions, domains=guard.domains))
            values |= {"allow_actions": allow.actions, "allow_domains": allow.domains}
            return Settings(**values, api_key=base.api_key)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise UserError(f"wrong {detail['loc'][0]}", cause=detail["msg"].removeprefix("Value error, ")) from None


def _least(one: N | None, other: N | None) -> N | None:
    given = [value for value in (one, other) if value is not None]
    return min(given) if given else None
