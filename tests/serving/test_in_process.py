"""A model in this process: the prompt that vLLM makes of the same messages, bounded thoughts, the whole loop."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from PIL import Image as Pixels

from agent.chat.request import Manner, parameters
from agent.chat.wire import wire_messages
from agent.commands.see import describe
from agent.commands.wiring import model_for
from agent.prompt import Assistant, Image, Message, Style, System, Text, Tool, User, instructions, styled
from agent.runner import run
from agent.serving.family import STAND_IN, find
from agent.serving.in_process import Loaded, TransformersModel, load
from agent.serving.machine import CPU_PYTHON
from agent.serving.vllm_server import Server
from agent.settings import Settings
from agent.trace import Status
from env.scripted import ScriptedWorld
from scenarios.base import Limits
from tests.agent.desk import APP, a_task, steps_of
from tools.actions import LeftClick
from tools.errors import UserError
from tools.geometry import GridPoint

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("torch"),  # loading it takes many seconds: in one of the test processes only
    pytest.mark.skipif(not CPU_PYTHON.exists(), reason="no .venv-serve: run 'make vllm'"),
]
SHORT = Manner(kind="thinking", thinking_tokens=8, answer_tokens=64)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(find(STAND_IN))


def screenshot(folder: Path, name: str, size: tuple[int, int]) -> Image:
    file = folder / f"{name}.png"
    Pixels.new("RGB", size, (40, 90, len(name) * 20)).save(file)
    return Image(path=file, sha256=name)


def conversation(folder: Path) -> list[Message]:
    """A goal, two steps with a thought and a call, screenshots of two sizes."""
    seen = [screenshot(folder, name, size) for name, size in (("a", (640, 360)), ("bb", (640, 360)), ("c", (320, 500)))]
    call = LeftClick(coordinate=GridPoint(500, 40))
    return [
        System(text=instructions()),
        User(parts=(seen[0], Text(text="Instruction: Öffne das Menü."))),
        Assistant(thought="The menu is at the top.", text="Action: Click it.", call_id="call_1", call=call),
        Tool(call_id="call_1", parts=(Text(text="done"), seen[1])),
        Assistant(thought="Again.", text="Action: Click it.", call_id="call_2", call=call),
        Tool(call_id="call_2", parts=(Text(text="nothing changed"), seen[2])),
    ]


def collapsed(text: str) -> str:
    return re.sub(r"(<\|image_pad\|>)+", "<|image_pad|>", text)


@pytest.mark.parametrize("history", ["tool", "user"])
def test_the_prompt_is_the_one_that_vllm_makes(
    history: Any, loaded: Loaded, stand_in_server: Server, tmp_path: Path
) -> None:
    manner = Manner(kind="thinking", thinking_tokens=0, answer_tokens=64)
    told: Sequence[Message] = styled(conversation(tmp_path), Style(history=history))
    asked = parameters(manner, 0, strict=False, dropped=(), vllm=True)
    wired = wire_messages(told, image_tokens=2048, calls=history == "tool", uuids=False)
    answer = httpx.post(
        f"{stand_in_server.url}/chat/completions", timeout=300, trust_env=False,
        headers={"Authorization": f"Bearer {stand_in_server.key.get_secret_value()}"},
        json=asked | {"model": stand_in_server.model, "messages": wired, "return_prompt_text": True, "max_tokens": 1},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    theirs = answer.json()
    ours = TransformersModel(loaded, manner).inputs(wired, asked["tools"])
    assert collapsed(loaded.tokenizer.decode(ours["input_ids"][0])) == collapsed(theirs["prompt_text"])
    assert ours["input_ids"].shape[1] == theirs["usage"]["prompt_tokens"]
    assert int(ours["mm_token_type_ids"].sum()) == 2 * 20 * 11 + 10 * 16


async def test_a_thought_ends_within_its_budget(loaded: Loaded, tmp_path: Path) -> None:
    model = TransformersModel(loaded, SHORT)
    reply = await model.decide(conversation(tmp_path))
    thought, ended, _ = reply.text.partition("</think>")
    assert ended
    assert len(loaded.tokenizer(thought)["input_ids"]) <= 3 * SHORT.thinking_tokens
    assert 0 < (reply.completion_tokens or 0) <= SHORT.thinking_tokens + SHORT.answer_tokens
    mended = await model.mend(conversation(tmp_path))
    assert mended.text.startswith("</think>")
    assert (await model.decide(conversation(tmp_path))).text == reply.text  # the same seed says the same


async def test_it_decides_in_the_loop_and_is_asked_again(tmp_path: Path) -> None:
    settings = Settings(model=f"transformers:{STAND_IN}", thinking_tokens=8, answer_tokens=64)
    task = a_task(limits=Limits(steps=12, seconds=900))
    done = await run(task, model_for(settings, task), lambda task: ScriptedWorld(APP, task.size), tmp_path)
    assert done.status is Status.UNREADABLE, done.failure
    assert done.asked["address"] == "in this process"
    first = steps_of(tmp_path)[0].completion
    assert first.unread
    assert first.prompt_tokens
    assert first.unread.prompt_tokens
    assert first.prompt_tokens > first.unread.prompt_tokens


@pytest.mark.parametrize("model", [STAND_IN, f"transformers:{STAND_IN}"])
def test_it_is_asked_about_a_picture_here_or_through_vllm(
    model: str, loaded: Loaded, stand_in_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = screenshot(tmp_path, "a", (320, 200)).path
    with pytest.raises(typer.Exit):  # with 0 or 1: random weights may have nothing to say
        describe(shot, "What is this?", model=model, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["thought"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [("nobody", "unknown model 'nobody'"), ("2B", "cannot load 'Qwen/Qwen3-VL-2B-Thinking'")],
)
def test_what_cannot_be_loaded_is_one_line(name: str, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError) as caught:
        load(find(name))
    assert cause in str(caught.value)
    assert "\n" not in str(caught.value)
