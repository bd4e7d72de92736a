"""The client of model servers, over real HTTP, in real runs with a scripted world."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agent.chat.endpoint import Endpoint, find_endpoint
from agent.chat.model import VllmModel
from agent.chat.request import Kind, Manner
from agent.model import Served
from agent.prompt import Style
from agent.report import write_report
from agent.runner import run
from agent.serving.fake_server import ENDLESS, OVERFLOW, FakeServer, Fault, Mishap, Reply, Turn
from agent.trace import Run, Status
from tests.agent.desk import CLICK_MORE, SOLUTION, a_task, gives, scripted, steps_of
from tools.actions import Answer, BrowserAction, ComputerAction, Key
from tools.errors import UserError

QUICK = (0.0, 0.0)
KEY = "sk-this-stays-here"


def says(action: ComputerAction | BrowserAction, thought: str = "I look.") -> Reply:
    """As vLLM answers with both of its parsers."""
    call = action.wire()
    return Reply("Action: Do it.\n", thought, ((call["name"], json.dumps(call["arguments"])),), "tool_calls")


SOLVED = [says(action) for action in SOLUTION]


def client(
    server: FakeServer, *, kind: Kind = "thinking", patience: float = 60, waits: Sequence[float] = QUICK, **manner: Any
) -> VllmModel:
    endpoint = find_endpoint(server.url, key=SecretStr(server.key) if server.key else None)
    return VllmModel(endpoint, Manner(kind=kind, **manner), patience=patience, waits=waits)


async def play(folder: Path, server: FakeServer, **asked: Any) -> Run:
    return await run(a_task(), gives(client(server, **asked)), scripted, folder)


def shown(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The pictures of a request."""
    contents = [message["content"] for message in request["messages"] if isinstance(message["content"], list)]
    return [part for content in contents for part in content if part["type"] == "image_url"]


async def test_a_run_over_http(tmp_path: Path) -> None:
    with FakeServer(*SOLVED) as server:
        done = await play(tmp_path, server)
    assert done.status is Status.PASSED
    assert done.model == "fake-thinking"
    assert done.asked["server"] == "vLLM 0.0"
    assert done.asked["form of answers"] == "held to by the server"
    first = steps_of(tmp_path)[0].completion
    assert (first.prompt_tokens, first.completion_tokens, first.cached_tokens) == (100, 10, 60)
    assert (first.model, first.tokens) == ("fake-thinking", 110)
    assert first.seconds > 0
    sent = server.requests[-1]
    assert [message["role"] for message in sent["messages"]] == ["system", "user", *["assistant", "tool"] * 3]
    turn = sent["messages"][2]
    assert (turn["reasoning"], turn["content"]) == ("I look.", "Action: Do it.")
    assert json.loads(turn["tool_calls"][0]["function"]["arguments"]) == SOLUTION[0].wire()["arguments"]
    assert turn["tool_calls"][0]["id"] == sent["messages"][3]["tool_call_id"]


async def test_every_parameter_is_sent(tmp_path: Path) -> None:
    with FakeServer(*SOLVED) as server:
        await play(tmp_path / "a", server, seed=7)
    sent = server.requests[0]
    wanted = {
        "temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.0, "presence_penalty": 0.0,
        "repetition_penalty": 1.0, "seed": 7, "max_tokens": 1536,
        "thinking_token_budget": 1024, "stream": False, "tool_choice": "auto",
        "parallel_tool_calls": False,
    }  # fmt: skip
    assert {name: sent[name] for name in wanted} == wanted
    assert sent["structured_outputs"]["regex"]
    assert sent["repetition_detection"]["min_count"] > 1
    with FakeServer(*SOLVED, model="fake-instruct", vllm=False) as server:
        await play(tmp_path / "b", server, kind="instruct", temperature=0.1)
    sent = server.requests[0]
    assert (sent["temperature"], sent["top_p"], sent["presence_penalty"], sent["max_tokens"]) == (0.1, 0.8, 1.5, 512)
    assert not {"structured_outputs", "thinking_token_budget", "repetition_detection"} & sent.keys()
    assert all("uuid" not in part for part in shown(sent))


@pytest.mark.parametrize("mishap", ["down", "garbage", "empty", "html", "wrong type"])
async def test_what_may_pass_is_tried_again(mishap: Mishap, tmp_path: Path) -> None:
    with FakeServer(SOLVED[0], mishap, Fault(500, "engine"), SOLVED[1], SOLVED[2], SOLVED[3]) as server:
        done = await play(tmp_path, server)
    assert done.status is Status.PASSED
    assert len(server.requests) == len(SOLVED) + 2


async def test_a_busy_server_says_how_long_to_wait(tmp_path: Path) -> None:
    busy = Fault(429, "too many requests", {"Retry-After": "0.3"})
    with FakeServer(busy, *SOLVED) as server:
        assert (await play(tmp_path, server)).status is Status.PASSED
    assert steps_of(tmp_path)[0].seconds["decide"] >= 0.3


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        ("down", "gives no answer, after 3 tries: "),
        ("garbage", "after 3 tries: what came is no answer of a model"),
        ("empty", "after 3 tries: what came is no answer of a model"),
        ("html", "after 3 tries: what came is no answer of a model"),
        ("wrong type", "after 3 tries: what came is no answer of a model"),
        (Fault(500, "engine dead"), "after 3 tries: 500: .*engine dead"),
        (Fault(503, "loading"), "after 3 tries: 503"),
        (Fault(400, "no such thing"), "refuses the request: 400: .*no such thing"),
        (Fault(404, "no such model"), "refuses: 404"),
        (Fault(400, "maximum context length is 10 tokens"), "refuses the request: 400: .*maximum context length"),
    ],
)
async def test_the_server_s_failures_are_never_the_model_s(turn: Any, why: str, tmp_path: Path) -> None:
    with FakeServer(*SOLVED[:2], turn) as server:
        done = await play(tmp_path, server)
    assert done.status is Status.ERROR_MODEL
    assert not done.status.scored
    assert done.result is None
    assert done.failure
    assert done.failure.kind == "ModelError"
    assert_matches(done.failure.message, why)
    assert len(steps_of(tmp_path)) == 2


def assert_matches(text: str, pattern: str) -> None:
    with pytest.raises(UserError, match=pattern):
        raise UserError(text)


async def test_a_server_that_never_answers(tmp_path: Path) -> None:
    with FakeServer(SOLVED[0], "slow") as server:
        done = await play(tmp_path, server, patience=0.5, waits=(0.0,) * 9)
    assert done.status is Status.ERROR_MODEL
    assert 2 <= len(server.requests) - 1 <= 3
    assert done.failure
    assert "tries: none came within 0.5 s" in done.failure.message


@pytest.mark.parametrize(
    "unread", [ENDLESS, Reply("Action: Fly.", "I"), Reply(""), Reply('<tool_call>{"name', "I", finish="length")]
)
async def test_an_unreadable_reply_gets_one_more_chance(unread: Reply, tmp_path: Path) -> None:
    with FakeServer(unread, *SOLVED) as server:
        done = await play(tmp_path, server)
    assert done.status is Status.PASSED
    first, *_ = steps = steps_of(tmp_path)
    assert len(steps) == len(SOLUTION)
    assert first.completion.unread
    assert first.completion.unread.finish == unread.finish
    assert first.completion.tokens == 220
    asked, again = server.requests[:2]
    assert (again["temperature"], again["thinking_token_budget"], again["max_tokens"]) == (0.0, 0, 512)
    assert again["messages"][: len(asked["messages"])] != []
    assert len(again["messages"]) == len(asked["messages"]) + 2
    assert len(shown(again)) == len(shown(asked))
    assert "could not be carried out: " in json.dumps(again["messages"][-1])
    assert again["messages"][-1]["role"] == "user"  # a result without a call: written so that every server takes it
    assert len(server.requests[2]["messages"]) == 4
    page = write_report(tmp_path).read_text()
    assert "First reply, which could not be read" in page
    assert "100 read (60 from the cache), 10 written" in page


async def test_three_unreadable_in_a_row_end_the_run_as_the_model_s_failure(tmp_path: Path) -> None:
    with FakeServer(Reply("I would rather not.", "No.")) as server:
        done = await play(tmp_path, server)
    assert done.status is Status.UNREADABLE
    assert len(steps_of(tmp_path)) == 3
    assert len(server.requests) == 6


async def test_a_full_context_is_folded_harder_once(tmp_path: Path) -> None:
    turns: list[Turn] = [
        says(Key(keys=("shift",))),
        says(CLICK_MORE),
        says(Key(keys=("ctrl",))),
        OVERFLOW,
        says(Answer(text="x")),
    ]
    with FakeServer(*turns) as server:
        done = await play(tmp_path, server)
    assert done.stop
    assert done.stop.reason == "answer"
    before, after = server.requests[-2:]
    assert (len(shown(before)), len(shown(after))) == (4, 2)
    assert json.dumps(after["messages"]).count("an older screenshot was here") == 2
    assert done.asked["image_max"] == 2


async def test_fields_that_a_server_refuses_are_left_out_from_then_on(tmp_path: Path) -> None:
    refused = ("structured_outputs", "top_k", "max_tokens", "uuid", "reasoning")
    with FakeServer(*SOLVED, refuses=refused) as server:
        done = await play(tmp_path, server)
    assert done.status is Status.PASSED
    assert done.asked["refused"] == sorted(refused)
    assert done.asked["form of answers"] == "free"
    assert len(server.requests) == len(SOLVED) + len(refused)
    assert server.requests[-1]["max_completion_tokens"] == 1536


async def test_a_picture_is_sent_once_while_the_server_knows_it(tmp_path: Path) -> None:
    with FakeServer(*SOLVED) as server:
        model = client(server)
        assert isinstance(model, Served)
        server.turns = (*SOLVED[:2], SOLVED[2], SOLVED[3])
        await run(a_task(), gives(model), scripted, tmp_path / "one")
        sent = [[bool(part["image_url"]) for part in shown(request)] for request in server.requests]
        assert sent[0] == [True]
        assert not any(sent[-1][:-1])
    with FakeServer(*SOLVED) as server:
        done = await run(a_task(), gives(Forgetful(server)), scripted, tmp_path / "two")
    assert done.status is Status.PASSED
    assert any(all(part["image_url"] for part in shown(request)) for request in server.requests[2:])


class Forgetful(VllmModel):
    """Its server loses its pictures before every question."""

    def __init__(self, server: FakeServer) -> None:
        super().__init__(find_endpoint(server.url), Manner(kind="thinking"), waits=())
        self.server = server

    async def decide(self, messages: Any) -> Any:
        self.server.pictures.clear()
        return await super().decide(messages)


async def test_user_turns_are_told_as_osworld_does(tmp_path: Path) -> None:
    with FakeServer(*SOLVED) as server:
        done = await play(tmp_path, server, style=Style(history="user", boxes=False))
    assert done.status is Status.PASSED
    last = server.requests[-1]["messages"]
    assert [message["role"] for message in last] == ["system", "user", *["assistant", "user"] * 3]
    assert not any("reasoning" in message or "tool_calls" in message for message in last)
    assert last[2]["content"].startswith(
        'Action: Do it.\n<tool_call>\n{"name": "computer_use", "arguments": {"action":'
    )
    assert "bbox_2d" not in json.dumps([last[0], server.requests[-1]["tools"]])


async def test_the_key_is_in_no_record(tmp_path: Path) -> None:
    with FakeServer(*SOLVED, key=KEY) as server:
        done = await play(tmp_path / "good", server)
        assert done.status is Status.PASSED
        wrong = VllmModel(Endpoint(server.url, server.model, SecretStr("wrong-key")), Manner(kind="thinking"))
        done = await run(a_task(), gives(wrong), scripted, tmp_path / "bad")
    assert done.status is Status.ERROR_MODEL
    assert done.failure
    assert "is SUREHAND_API_KEY the right key?" in done.failure.message
    written = read_all(tmp_path)
    assert KEY.encode() not in written
    assert b"wrong-key" not in written


def read_all(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


class TestFindingAServer:
    def refused(self, url: str, name: str = "", key: str = "") -> str:
        with pytest.raises(UserError) as caught:
            find_endpoint(url, name, SecretStr(key) if key else None)
        return str(caught.value)

    def test_it_takes_the_only_model(self) -> None:
        with FakeServer(model="8b", vllm=False) as server:
            assert find_endpoint(server.url + "/") == Endpoint(server.url, "8b")

    def test_mistakes_are_named(self) -> None:
        with FakeServer(model="8b", key=KEY) as server:
            assert "it refuses the key; set SUREHAND_API_KEY" in self.refused(server.url)
            assert "serves no model '8'; did you mean '8b'?" in self.refused(server.url, "8", KEY)
            assert "does the address end with /v1?" in self.refused(server.url.removesuffix("/v1"), key=KEY)
            url = server.url
        assert self.refused(url).startswith(f"no model server at {url!r}: ")
        assert "holds a key" in self.refused("http://me:secret@host/v1")
        assert "secret" not in self.refused("http://me:secret@host/v1")
        assert "has no host" in self.refused("http://")
