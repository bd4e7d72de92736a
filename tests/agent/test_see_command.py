"""A model asked about a picture: over real HTTP, by a server that says what it was told to say."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from agent.commands.see import describe, ground
from agent.serving.fake_server import FakeServer, Reply
from tools.errors import UserError

app = typer.Typer()
app.command()(describe)
app.command()(ground)

BOX = '```json\n[{"bbox_2d": [100, 200, 300, 400], "label": "the button Save"}]\n```'


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    file = tmp_path / "shot.png"
    Image.new("RGB", (640, 360), "#e5e7eb").save(file)
    return file


def surehand(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def sent(server: FakeServer) -> dict[str, Any]:
    (request,) = server.requests
    return request


def test_describe_prints_the_answer(shot: Path) -> None:
    with FakeServer(Reply("A grey screen.", reasoning="I see grey.")) as server:
        done = surehand("describe", shot, "What is here?", "--model", server.url)
    assert (done.exit_code, done.stdout) == (0, "A grey screen.\n")
    request = sent(server)
    assert not {"tools", "tool_choice", "structured_outputs"} & request.keys()
    assert request["temperature"] == 0.6
    system, user = request["messages"]
    assert system["content"] == "You are a helpful assistant."
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]
    assert user["content"][1]["text"] == "What is here?"


def test_describe_for_programs(shot: Path) -> None:
    with FakeServer(Reply("I see grey.\n</think>\n\nA grey screen.")) as server:
        done = surehand("describe", shot, "--json", "--model", server.url)
    assert json.loads(done.stdout) == {"answer": "A grey screen.", "thought": "I see grey.", "model": "fake-thinking"}


def test_no_answer_is_a_failure(shot: Path) -> None:
    with FakeServer(Reply(reasoning="I wonder.", finish="length")) as server:
        done = surehand("describe", shot, "What is here?", "--model", server.url)
    assert done.exit_code == 1
    assert "gave no answer, which was cut off; raise answer_tokens" in done.stderr


def test_ground_prints_pixels_and_draws_them(shot: Path) -> None:
    with FakeServer(Reply(BOX), model="fake-instruct") as server:
        done = surehand("ground", shot, "the button Save.", "--model", server.url)
    drawn = shot.with_name("shot-ground.png")
    assert (done.exit_code, done.stdout) == (
        0, f"the button Save: left 64, top 72, right 192, bottom 144\ndrawn in {drawn}\n",
    )  # fmt: skip
    request = sent(server)
    assert (request["temperature"], request["presence_penalty"]) == (0.0, 0.0)
    asked = request["messages"][1]["content"][1]["text"]
    assert asked == "Locate the button Save. Report its bbox coordinates in JSON format."
    with Image.open(shot) as before, Image.open(drawn) as after:
        assert before.size == after.size
        inside, outside = (128, 108), (400, 300)
        assert before.getpixel(inside) != after.getpixel(inside)
        assert before.getpixel(outside) == after.getpixel(outside)


def test_ground_for_programs(shot: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn.png"
    with FakeServer(Reply('[{"point_2d": [500, 500], "label": "it"}]')) as server:
        done = surehand("ground", shot, "it", "--points", "--json", "--out", out, "--model", server.url)
    told = json.loads(done.stdout)
    assert told["places"] == [{"label": "it", "box": None, "point": [320, 180]}]
    assert (told["size"], told["picture"]) == ([640, 360], str(out))
    assert out.exists()
    assert "Report its point coordinates" in json.dumps(sent(server))


def test_an_answer_without_a_place_is_shown_and_a_failure(shot: Path) -> None:
    with FakeServer(Reply("I see no such button."), Reply('[{"bbox_2d": [0, 0, 1920, 1080]}]')) as server:
        nothing = surehand("ground", shot, "the button Save", "--model", server.url)
        pixels = surehand("ground", shot, "the button Save", "--json", "--model", server.url)
    assert (nothing.exit_code, nothing.stdout) == (1, "I see no such button.\n")
    assert nothing.stderr == "surehand: no place in the model's answer\n"
    assert (pixels.exit_code, json.loads(pixels.stdout)["picture"]) == (1, None)
    assert "is outside the grid, which runs from 0 to 1000" in pixels.stderr
    assert not shot.with_name("shot-ground.png").exists()


@pytest.mark.parametrize("kind", ["jpg", "webp", "gif"])
def test_other_pictures_are_taken_too(shot: Path, kind: str) -> None:
    with Image.open(shot) as picture:
        picture.save(other := shot.with_suffix(f".{kind}"))
    with FakeServer(Reply(BOX)) as server:
        done = surehand("ground", other, "the button Save", "--model", server.url)
    assert done.exit_code == 0, done.output


def test_a_picture_is_asked_about_as_viewers_show_it(tmp_path: Path) -> None:
    sideways = Image.new("RGB", (100, 50), "white")
    (exif := sideways.getexif())[0x0112] = 6  # to be turned by a quarter
    sideways.save(tmp_path / "phone.jpg", exif=exif)
    with FakeServer(Reply(BOX)) as server:
        done = surehand("ground", tmp_path / "phone.jpg", "it", "--json", "--model", server.url)
    assert json.loads(done.stdout)["size"] == [50, 100]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ground", "nowhere.png", "it"), "no picture 'nowhere.png': there is no such file"),
        (("ground", "notes.txt", "it"), "'notes.txt' is no picture; give a PNG, JPEG or WebP file"),
        (("describe", "."), "'.' is no picture"),
        (("ground", "cut.png", "it"), "cannot read the picture 'cut.png'"),
        (("ground", "shot.png", "  "), "the target is empty"),
        (("describe", "shot.png", ""), "the question is empty"),
        (("ground", "shot.png", "it", "--out", "shot.png"), "'shot.png' is the picture itself"),
        (("ground", "shot.png", "it"), "no model is named; name one with --model: http://host:port/v1"),
        (("ground", "shot.png", "it", "--model", "oracle"), "no model 'oracle' that looks at pictures"),
        (("describe", "shot.png", "--model", "transformers:nobody"), "unknown model 'nobody'"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], said: str, shot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shot.parent)
    monkeypatch.delenv("SUREHAND_MODEL", raising=False)
    Path("notes.txt").write_text("no picture", encoding="utf-8")
    Path("cut.png").write_bytes(shot.read_bytes()[:120])
    with pytest.raises(UserError) as caught:
        surehand(*words)
    assert str(caught.value).startswith(said)


def test_a_place_that_cannot_be_drawn_is_told(shot: Path, tmp_path: Path) -> None:
    with FakeServer(Reply(BOX)) as server, pytest.raises(UserError, match=r"cannot write .*: No such file"):
        surehand("ground", shot, "it", "--out", tmp_path / "nowhere" / "x.png", "--model", server.url)
