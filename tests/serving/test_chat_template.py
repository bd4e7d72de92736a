import json
from pathlib import Path
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agent.serving.tokenizer import chat_template

RENDERED = Path(__file__).resolve().parents[3] / "shared" / "data" / "qwen3vl" / "rendered_prompts.json"
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


def render(messages: list[dict[str, Any]], *, thinking: bool = True, tools: Any = None, ask: bool = True) -> str:
    """As transformers and vLLM render."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(chat_template(thinking=thinking))
    return template.render(messages=messages, tools=tools, add_generation_prompt=ask)


def test_it_renders_what_the_official_templates_render() -> None:
    if not RENDERED.exists():
        pytest.skip(f"no {RENDERED}: the rendered prompts of the official templates are not here")
    known = json.loads(RENDERED.read_text(encoding="utf-8"))
    assert len(known["cases"]) == 12
    for case in known["cases"]:
        tools = [known["tool"]] if case["tools"] else None
        thinking = case["template"] == "thinking"
        assert render(case["messages"], thinking=thinking, tools=tools) == case["rendered"], case["conversation"]


def call(arguments: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "computer_use", "arguments": arguments}}


USER = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Instruction: go."}]}
TURN = {
    "role": "assistant",
    "content": "Action: a.",
    "reasoning_content": "I think.",
    "tool_calls": [call({"action": "wait"})],
}
RESULT = {"role": "tool", "content": [{"type": "text", "text": "ok"}, {"type": "image"}]}
ASKED = f"<|im_start|>user\n{PICTURE}Instruction: go.<|im_end|>\n"
CALLED = 'Action: a.\n<tool_call>\n{"name": "computer_use", "arguments": {"action": "wait"}}\n</tool_call><|im_end|>\n'
ANSWERED = f"<|im_start|>user\n<tool_response>\nok{PICTURE}\n</tool_response><|im_end|>\n"
THOUGHT = "<think>\nI think.\n</think>\n\n"


def test_with_screenshots_as_tool_results_a_prompt_only_grows() -> None:
    first = render([USER, TURN, RESULT])
    second = render([USER, TURN, RESULT, TURN, RESULT])
    assert first == f"{ASKED}<|im_start|>assistant\n{THOUGHT}{CALLED}{ANSWERED}<|im_start|>assistant\n<think>\n"
    assert second.startswith(first.removesuffix("<|im_start|>assistant\n<think>\n"))
    assert second.count(THOUGHT) == 2


def test_thoughts_before_the_last_question_are_dropped() -> None:
    assert (
        render([USER, TURN, USER]) == f"{ASKED}<|im_start|>assistant\n{CALLED}{ASKED}<|im_start|>assistant\n<think>\n"
    )


def test_a_question_asked_twice_counts_where_it_was_asked_last() -> None:
    assert THOUGHT not in render([USER, TURN, USER, {"role": "assistant", "content": "no"}])
    assert THOUGHT in render([USER, USER, TURN])


def test_a_tool_result_written_by_the_user_is_no_question() -> None:
    wrapped = {"role": "user", "content": [{"type": "text", "text": "<tool_response>\nok\n</tool_response>"}]}
    assert THOUGHT in render([USER, TURN, wrapped])


def test_results_of_two_calls_share_a_turn() -> None:
    both = render([USER, TURN | {"tool_calls": [call('{"action": "wait"}')] * 2}, RESULT, RESULT], ask=False)
    assert both.endswith(
        '</tool_call>\n<tool_call>\n{"name": "computer_use", "arguments": {"action": "wait"}}\n</tool_call><|im_end|>\n'
        f"<|im_start|>user\n<tool_response>\nok{PICTURE}\n</tool_response>\n<tool_response>\nok{PICTURE}\n</tool_response><|im_end|>\n"
    )


def test_a_thought_left_in_the_content_is_found() -> None:
    inline = {"role": "assistant", "content": "<think>\nI think.\n</think>\n\nAction: a."}
    assert (
        render([USER, inline, RESULT], ask=False)
        == f"{ASKED}<|im_start|>assistant\n{THOUGHT}Action: a.<|im_end|>\n{ANSWERED}"
    )
    assert render([USER, inline, USER], ask=False).count("think") == 0


def test_an_instruct_model_has_no_thoughts() -> None:
    asked = render([USER, TURN, RESULT], thinking=False)
    assert "think" not in asked.lower().replace("i think.", "")
    assert asked.endswith("<|im_start|>assistant\n")


def test_tools_follow_the_system_message_and_do_not_need_one() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "„ü“ <b>"}}
    alone = render([USER], tools=[tool])
    assert alone.startswith("<|im_start|>system\n# Tools\n\n")
    assert '\n<tools>\n{"type": "function", "function": {"name": "f", "description": "„ü“ <b>"}}\n</tools>\n' in alone
    system = {"role": "system", "content": "S"}
    assert render([system, USER], tools=[tool]) == alone.replace("system\n# Tools", "system\nS\n\n# Tools")
    assert render([system, USER]).startswith("<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n")
