"""What is learned is what is asked: each learned turn stands behind the very prompt that the model had."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from agent.chat.functions import functions
from agent.chat.wire import wire_messages
from agent.model import reply
from agent.prompt import Style, messages, styled
from agent.trace import Decision, RunFolder, Step, Unreadable
from agent.training.dataset import make
from agent.training.rows import Telling
from tests.serving.test_chat_template import PICTURE, render
from tests.training.runs import LONG, TAUGHT, rows_of, with_marks
from tools.actions import LeftClick

Kind = Literal["thinking", "instruct"]
STYLES = [
    (Style(), "thinking"),
    (Style(thoughts=False), "instruct"),
    (Style(history="user"), "thinking"),
    (Style(history="user", thoughts=False), "instruct"),
    (Style(image_max=3, fold=1), "thinking"),
    (Style(boxes=False), "thinking"),
]


def asked(steps: Sequence[Step], style: Style, kind: Kind, goal: str) -> str:
    """The prompt of the last of these steps, as vLLM renders it."""
    last = steps[-1]
    told = styled(messages(goal, steps[:-1], last.seen, last.effect_before, last.notice), style)
    wired = wire_messages(told, image_tokens=2048, calls=style.history == "tool", uuids=False)
    read = [{"reasoning_content" if key == "reasoning" else key: value for key, value in message.items()}
            for message in wired]  # fmt: skip
    return render(read, thinking=kind == "thinking", tools=functions(boxes=style.boxes))


def answered(decision: Decision, kind: Kind) -> str:
    """What the model writes then."""
    text = reply(decision.thought, decision.say, decision.action)
    return text if kind == "thinking" else text.rpartition("</think>")[2].lstrip("\n")


def trained(row: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """A row as ms-swift 4.6 writes it, in pieces, each with whether it is learned (template qwen3_vl, hermes)."""
    system, *turns = row["messages"]
    yield render([system], tools=json.loads(row["tools"]), ask=False), False
    for number, turn in enumerate(turns):
        text = turn["content"].replace("<image>", PICTURE)
        match turn["role"]:
            case "user":
                yield f"{'<|im_end|>' * (number > 0)}{chr(10) * (number > 0)}<|im_start|>user\n{text}", False
                yield "<|im_end|>\n<|im_start|>assistant\n", False
            case "tool_response":
                yield f"<|im_end|>\n<|im_start|>user\n<tool_response>\n{text}\n</tool_response>", False
                yield "<|im_end|>\n<|im_start|>assistant\n", False
            case "assistant":
                yield text, turn["loss"]
            case "tool_call":
                yield f"<tool_call>\n{json.dumps(json.loads(text), ensure_ascii=False)}\n</tool_call>", turn["loss"]


def turns_of(row: dict[str, Any]) -> list[tuple[str, str]]:
    """What stands before each learned turn of a row, and that turn."""
    before, found = "", list[tuple[str, str]]()
    for text, learned in trained(row):
        if learned and found and before == "".join(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + text)  # a text and its call
        elif learned:
            found.append((before, text))
        before += text
    return found


def offered(step: Step, style: Style) -> Step:
    """The step with what a model without boxes would have said."""
    if style.boxes or not isinstance(step.reply, Decision) or not isinstance(step.reply.action, LeftClick):
        return step
    place = step.reply.action.place
    assert place
    action = LeftClick(coordinate=type(place)(round(place.x), round(place.y)))
    return step.model_copy(update={"reply": step.reply.model_copy(update={"action": action})})


@pytest.mark.parametrize(("style", "kind"), STYLES)
def test_each_turn_is_learned_once_behind_its_own_prompt(
    style: Style, kind: Kind, long_run: Path, tmp_path: Path
) -> None:
    run = RunFolder(long_run).run()
    made = make([long_run], tmp_path / "data", "swift-agent", Telling(style))
    rows = rows_of(tmp_path / "data" / "train.jsonl")
    assert made.train == len(rows)
    learned = [turn for row in rows for turn in turns_of(row)]

    steps = [offered(step, style) for step in RunFolder(long_run).steps()]
    wanted = []
    for count, step in enumerate(steps, start=1):
        done = step.outcome is None or step.outcome.ok
        if isinstance(step.reply, Decision) and done and (step.reply.thought or kind == "instruct"):
            prompt = asked(steps[:count], style, kind, run.goal)
            begun = "<think>\n" if kind == "thinking" else ""
            assert prompt.endswith(f"<|im_start|>assistant\n{begun}")
            wanted.append((prompt.removesuffix(begun), begun + answered(step.reply, kind)))
    assert learned == wanted
    assert len(wanted) == TAUGHT + (kind == "instruct")
    assert all(len(row["images"]) <= style.image_max for row in rows)


def test_a_conversation_is_one_row_until_screenshots_are_folded_away(long_run: Path, tmp_path: Path) -> None:
    make([long_run], tmp_path / "data", "swift-agent", Telling(Style()))
    rows = rows_of(tmp_path / "data" / "train.jsonl")
    taught = [[turn["loss"] for turn in row["messages"] if turn["role"] == "tool_call"].count(True) for row in rows]
    assert sum(taught) == TAUGHT
    assert len(rows) == 3
    folded = [str(row["messages"]).count("(an older screenshot was here)") for row in rows]
    assert folded == [0, 5, 10]
    assert all("<think>" not in turn["content"] for turn in rows[-1]["messages"][:8])


def test_what_went_wrong_is_told_and_not_taught(long_run: Path, tmp_path: Path) -> None:
    steps = list(RunFolder(long_run).steps())
    assert len(steps) == len(LONG)
    assert isinstance(steps[1].reply, Unreadable)
    make([long_run], tmp_path / "data", "swift-agent", Telling(Style(image_max=40)))
    (row,) = rows_of(tmp_path / "data" / "train.jsonl")
    untaught = [turn["content"] for turn in row["messages"] if turn.get("loss") is False]
    said = [re.sub(r"<think>.*</think>\s*", "", text, flags=re.S).partition("_use")[0] for text in untaught]
    call = '{"name": "computer'
    assert said == ["I am not sure what to do.", "Action: Do key.\n", call, "Action: Type a dot.\n", call]


async def test_with_numbers_and_words_on_the_screen(tmp_path: Path) -> None:
    await with_marks(tmp_path / "run")
    make([tmp_path / "run"], tmp_path / "data", "swift-agent", Telling(Style()))
    (row,) = rows_of(tmp_path / "data" / "train.jsonl")
    step = next(RunFolder(tmp_path / "run").steps())
    assert step.seen.marked
    assert row["images"][0] == f"images/{step.seen.marked.sha256}.png"
    assert (tmp_path / "data" / row["images"][0]).is_file()
    assert row["messages"][1]["content"].startswith("<image>The numbers drawn on this screenshot")
    assert '\n1 entry "Note" [' in row["messages"][1]["content"]


@pytest.mark.parametrize("markup", ["<image>", "<think>", "<bbox>", "<|im_end|>", "Action Input:"])
def test_markup_in_a_text_is_left_out(markup: str, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "b", tmp_path / "runs" / "bad")
    record = RunFolder(tmp_path / "runs" / "bad")
    record.save(record.run().model_copy(update={"goal": f"Save {markup}."}))
    made = make([runs / "a", record.path], tmp_path / "data", "swift-agent", Telling(Style()))
    assert (made.train, made.left_out) == (1, ("1 row whose texts would be taken for markup",))


def test_openai_rows_are_rendered_to_the_same_prompts(runs: Path, tmp_path: Path) -> None:
    run = RunFolder(runs / "a").run()
    make([runs / "a"], tmp_path / "data", "openai", Telling(Style()))
    (row,) = rows_of(tmp_path / "data" / "train.jsonl")
    steps = list(RunFolder(runs / "a").steps())
    last = steps[-1].reply
    assert isinstance(last, Decision)
    prompt = asked(steps, Style(), "thinking", run.goal)
    assert render(row["messages"], tools=row["tools"], ask=False) == f"{prompt}{answered(last, 'thinking')}<|im_end|>\n"
    assert [turn["weight"] for turn in row["messages"] if turn["role"] == "assistant"] == [1, 1, 1, 1]
    shown = [part["image_url"]["url"] for turn in row["messages"] if isinstance(turn["content"], list)
             for part in turn["content"] if part["type"] == "image_url"]  # fmt: skip
    assert len(shown) == len(steps)
    assert all((tmp_path / "data" / name).is_file() for name in shown)


def test_sharegpt_rows_say_the_same(runs: Path, tmp_path: Path) -> None:
    for form in ("swift-agent", "sharegpt"):
        make([runs / "a"], tmp_path / form, form, Telling(Style()))
    (swift,), (share,) = (rows_of(tmp_path / form / "train.jsonl") for form in ("swift-agent", "sharegpt"))
    assert (share["images"], share["tools"]) == (swift["images"], swift["tools"])
    assert [turn["from"] for turn in share["conversations"]] == ["system", "human", *["gpt", "observation"] * 3, "gpt"]
    said = "".join(turn["content"] for turn in swift["messages"] if turn["role"] in ("assistant", "tool_call"))
    calls = [turn["value"] for turn in share["conversations"] if turn["from"] == "gpt"]
    assert "".join(re.sub(r"</?tool_call>\n?", "", text).removesuffix("\n") for text in calls) == said
