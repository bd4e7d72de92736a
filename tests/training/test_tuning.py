"""What is run, on what, with which variables; and what is refused."""

from pathlib import Path

import pytest

from agent.serving.family import find
from agent.serving.machine import Machine
from agent.training.material import Material, open_material, size_as_seen
from agent.training.tuner import IDEAL, Tuner
from agent.training.tuning import Knobs, Plan, check_room, command, environment, imagined, plan
from tests.training.small_data import write_dataset
from tools.errors import UserError
from tools.geometry import Size

PLAIN = Tuner(program="/tuner/bin/swift")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return open_material(write_dataset(tmp_path_factory.mktemp("data") / "gui"))


def machine(*cards: float, memory: float = 64.0) -> Machine:
    return Machine(cards=cards, memory=memory, gpu_program=None, cpu_program=None)


def planned(name: str, material: Material, on: Machine, tuner: Tuner = PLAIN, knobs: Knobs | None = None) -> Plan:
    return plan(find(name), material, Path("/out"), tuner, on, knobs or Knobs())


def options(decided: Plan) -> dict[str, str]:
    words = command(decided)[2:]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_trap_1_the_tuner_has_the_name_that_ms_swift_4_knows(material: Material) -> None:
    chosen = options(planned("stand-in", material, machine()))
    assert chosen["--tuner_type"] == "lora"
    assert "--train_type" not in chosen


def test_trap_2_boxes_are_written_as_qwen3_vl_writes_them(material: Material) -> None:
    variables = environment(planned("stand-in", material, machine()))
    assert variables["QWENVL_BBOX_FORMAT"] == "new"
    assert int(variables["IMAGE_MAX_TOKEN_NUM"]) >= 2048


def test_only_the_language_model_learns(material: Material) -> None:
    chosen = options(planned("8B", material, machine(80.0)))
    assert (chosen["--freeze_llm"], chosen["--freeze_vit"], chosen["--freeze_aligner"]) == ("false", "true", "true")
    assert (chosen["--lora_rank"], chosen["--lora_alpha"], chosen["--target_modules"]) == ("8", "32", "all-linear")
    assert chosen["--torch_dtype"] == "bfloat16"
    assert chosen["--val_dataset"] == str(material.validation)


def test_nobody_is_told_about_it(material: Material) -> None:
    chosen = options(planned("8B", material, machine(80.0)))
    assert (chosen["--check_model"], chosen["--report_to"]) == ("false", "none")


def test_rows_are_packed_where_there_is_flash_attention(material: Material) -> None:
    with_it, without = (options(planned("8B", material, machine(80.0), tuner)) for tuner in (IDEAL, PLAIN))
    assert (with_it["--attn_impl"], with_it["--packing"], with_it["--padding_free"]) == ("flash_attn", "true", "true")
    assert (without["--attn_impl"], without["--packing"], without["--padding_free"]) == ("sdpa", "false", "false")


def test_the_fewest_cards_that_hold_it(material: Material) -> None:
    one = planned("8B", material, machine(80.0, 80.0))
    assert (one.cards, one.divided) == (1, False)
    assert environment(one)["NPROC_PER_NODE"] == "1"
    several = planned("32B", material, machine(48.0, 48.0, 48.0, 48.0), IDEAL)
    assert several.cards > 1
    assert options(several)["--deepspeed"] == "zero3"
    assert environment(several)["NPROC_PER_NODE"] == str(several.cards)


def test_a_step_reads_the_same_rows_on_one_card_and_on_more(material: Material) -> None:
    on = machine(80.0, 80.0, 80.0, 80.0)
    for cards in (1, 2, 4):
        decided = plan(find("8B"), material, Path("/out"), PLAIN, on, Knobs(batch=4), cards=cards)
        assert decided.cards * decided.accumulation == 4
        assert decided.steps == 2
        assert not decided.divided


def test_rows_decide_how_long_they_may_be(material: Material) -> None:
    assert options(planned("stand-in", material, machine()))["--max_length"] == "2048"
    long = material.model_copy(update={"tokens": 9000})
    assert options(planned("stand-in", long, machine()))["--max_length"] == "16384"
    with pytest.raises(UserError, match=r"about 40000 tokens, more than 32768.*raise --max-length"):
        planned("stand-in", material.model_copy(update={"tokens": 40000}), machine())
    wide = planned("2B", material.model_copy(update={"tokens": 40000}), machine(80.0), knobs=Knobs(length=65536))
    assert options(wide)["--max_length"] == "65536"


@pytest.mark.parametrize(
    ("name", "cards", "said"),
    [
        (
            "32B",
            (),
            "it needs .* GiB on one graphics card.*: this machine has no graphics card; choose",
        ),
        ("32B", (24.0,), "this machine has 24 GiB free; choose a smaller model"),
        ("32B", (48.0, 48.0), "does not fit one card, and there is no DeepSpeed.*'/tuner/bin/pip install deepspeed'"),
        ("8B-fp8", (80.0,), "its weights are FP8; take Qwen/Qwen3-VL-8B-Thinking"),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(
    material: Material, name: str, cards: tuple[float, ...], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        planned(name, material, machine(*cards))


def test_more_cards_than_there_are(material: Material) -> None:
    with pytest.raises(UserError, match="--cards 4 is more than there are: this machine has 80 GiB free"):
        plan(find("8B"), material, Path("/out"), PLAIN, machine(80.0), Knobs(), cards=4)


def test_little_memory(material: Material) -> None:
    with pytest.raises(UserError, match=r"on the CPU it needs .* GiB of memory: 3 GiB are free"):
        planned("2B", material, machine(memory=3.0))


def test_a_full_disk(material: Material) -> None:
    with pytest.raises(UserError, match=r"no room for the checkpoints.*0\.0 GiB are free at '/out'"):
        check_room(planned("stand-in", material, machine()), 0.01)


def test_a_disk_without_room_for_the_weights(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    huge = find("235B-A22B")
    decided = Plan(model=huge, material=material, out=tmp_path, tuner=PLAIN, knobs=Knobs())
    with pytest.raises(UserError, match="no room for Qwen/Qwen3-VL-235B-A22B-Thinking: its weights take 439 GiB"):
        check_room(decided, 100.0)


def test_what_is_shown_for_a_machine_with_cards(material: Material) -> None:
    on, tuner = imagined(machine())
    chosen = options(plan(find("32B"), material, Path("/out"), tuner, on, Knobs()))
    assert chosen["--attn_impl"] == "flash_attn"


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        (Size(1920, 1080), Size(1920, 1088)),
        (Size(1280, 720), Size(1280, 704)),
        (Size(320, 200), Size(352, 224)),
        (Size(3840, 2160), Size(1920, 1056)),
    ],
)
def test_pictures_are_whole_tokens(size: Size, seen: Size) -> None:
    assert size_as_seen(size) == seen


def test_a_folder_with_code_is_not_run(material: Material, tmp_path: Path) -> None:
    little = find("2B").model_copy(update={"source": str(tmp_path)})
    (tmp_path / "modeling_own.py").write_text("print('hello')", encoding="utf-8")
    with pytest.raises(UserError, match=r"there is Python code in .*: ms-swift would run it"):
        plan(little, material, Path("/out"), PLAIN, machine(80.0), Knobs())
