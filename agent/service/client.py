"""Clients of a service, sync and async: each says what it asks for as a `Call`, which both send in their own way."""

import json
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from agent.service.orders import (
    Answer,
    BatchOrder,
    BatchView,
    Note,
    Problem,
    RunOrder,
    RunPage,
    RunView,
    StepPage,
)

M = TypeVar("M", bound=BaseModel)
_TIMEOUT = httpx.Timeout(30.0)
"""Also of a run that is followed: the service says something every 15 seconds."""


class ServiceError(Exception):
    """The service did not do what it was asked; `problem` says why, and what to do."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        parts = (f"{problem.status}: {problem.title}", problem.detail, problem.remedy)
        super().__init__("; ".join(part for part in parts if part))


class Event(NamedTuple):
    """Something that happened to a run: `state`, `attempt` or `step`."""

    id: int
    kind: str
    data: dict[str, Any]


class Call(NamedTuple, Generic[M]):
    """One request, and what its answer is read as."""

    method: str
    path: str
    answer: type[M]
    body: BaseModel | None = None
    query: dict[str, Any] | None = None
    key: str | None = None

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """As it goes over the wire."""
        body = self.body.model_dump(mode="json", exclude_none=True) if self.body else None
        headers = {"Idempotency-Key": self.key} if self.key else None
        return http.build_request(self.method, self.path, json=body, params=self.query, headers=headers)

    def read(self, response: httpx.Response) -> M:
        """The answer. Raises ServiceError."""
        return self.answer.model_validate_json(_good(response).content)


def create(order: RunOrder, key: str | None = None) -> Call[RunView]:
    """Orders a run; with a key, the same order sent again is the same run."""
    return Call("POST", "/v1/runs", RunView, order, key=key)


def create_batch(order: BatchOrder, key: str | None = None) -> Call[BatchView]:
    """Orders many runs."""
    return Call("POST", "/v1/batches", BatchView, order, key=key)


def show(run_id: str) -> Call[RunView]:
    """One run."""
    return Call("GET", f"/v1/runs/{run_id}", RunView)


def show_batch(batch_id: str) -> Call[BatchView]:
    """How far a batch is."""
    return Call("GET", f"/v1/batches/{batch_id}", BatchView)


def find(**query: Any) -> Call[RunPage]:
    """Runs by state, status, scenario, owner, batch, words; `limit` of them, behind `before`."""
    return Call("GET", "/v1/runs", RunPage, query=query)


def steps(run_id: str, after: int = 0, limit: int = 200) -> Call[StepPage]:
    """Steps of a run."""
    return Call("GET", f"/v1/runs/{run_id}/steps", StepPage, query={"after": after, "limit": limit})


def steer(run_id: str, verb: str, note: str = "") -> Call[RunView]:
    """`cancel`, `pause`, `resume`, `take-over` or `hand-back`; the last but one and `resume` take a note."""
    return Call("POST", f"/v1/runs/{run_id}/{verb}", RunView, Note(note=note) if note else None)


def answer(run_id: str, said: Answer) -> Call[RunView]:
    """Answers what a run asks."""
    return Call("POST", f"/v1/runs/{run_id}/answer", RunView, said)


class Client:
    """A service, asked from plain code: `with Client(address, token) as service: run = service.ask(create(order))`."""

    def __init__(self, address: str, token: str) -> None:
        self._http = httpx.Client(base_url=address, headers=_headers(token), timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, call: Call[M]) -> M:
        """Sends a request. Raises ServiceError for a refusal, httpx.HTTPError when the service cannot be reached."""
        return call.read(self._http.send(call.request(self._http)))

    def screenshot(self, run_id: str) -> bytes:
        """The newest picture of a run, PNG. Raises as `ask`."""
        return _good(self._http.get(f"/v1/runs/{run_id}/screenshot")).content

    def follow(self, run_id: str, last: int = 0) -> Iterator[Event]:
        """What happens to a run behind event `last`, to its end. Raises as `ask`, also when the connection breaks."""
        with self._http.stream("GET", _events(run_id), headers=_behind(last)) as response:
            if response.is_error:
                response.read()
            reader = _Reader()
            for line in _good(response).iter_lines():
                yield from reader.take(line)

    def wait(self, run_id: str) -> RunView:
        """The run once it has ended."""
        for _ in self.follow(run_id):
            pass
        return self.ask(show(run_id))


class AsyncClient:
    """The same from async code."""

    def __init__(self, address: str, token: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=address, headers=_headers(token), timeout=_TIMEOUT, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, call: Call[M]) -> M:
        """As `Client.ask`."""
        return call.read(await self._http.send(call.request(self._http)))

    async def screenshot(self, run_id: str) -> bytes:
        """As `Client.screenshot`."""
        return _good(await self._http.get(f"/v1/runs/{run_id}/screenshot")).content

    async def follow(self, run_id: str, last: int = 0) -> AsyncIterator[Event]:
        """As `Client.follow`."""
        async with self._http.stream("GET", _events(run_id), headers=_behind(last)) as response:
            if response.is_error:
                await response.aread()
            reader = _Reader()
            async for line in _good(response).aiter_lines():
                for event in reader.take(line):
                    yield event

    async def wait(self, run_id: str) -> RunView:
        """As `Client.wait`."""
        async for _ in self.follow(run_id):
            pass
        return await self.ask(show(run_id))


class _Reader:
    """Puts the lines of an event stream together."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def take(self, line: str) -> Iterator[Event]:
        """The event that ends with this line, if one does; comments only keep the connection open."""
        name, _, value = line.partition(":")
        if name:
            self._fields[name] = value.removeprefix(" ")
        if not line and "data" in self._fields:
            fields, self._fields = self._fields, {}
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _events(run_id: str) -> str:
    return f"/v1/runs/{run_id}/events"


def _behind(last: int) -> dict[str, str]:
    return {"Last-Event-ID": str(last)}


def _good(response: httpx.Response) -> httpx.Response:
    """An answer that is no refusal. Raises ServiceError."""
    if not response.is_error:
        return response
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(title=response.reason_phrase or "no answer of the service", status=response.status_code)
    raise ServiceError(problem)
