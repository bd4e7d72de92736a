"""Pages that have changed since tests/recorded was made: each a few replacements in a scenario's pages."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from scenarios.loader import ASSETS
from tools.geometry import Box

TESTS = Path(__file__).resolve().parent.parent
RECORDED = TESTS / "recorded"
FOLDER = TESTS / "variants"


class Variant(BaseModel):
    """One changed page: what was changed, in words and as old and new text of each file below the pages' `folder`.

    `held` are the ways that lead to what is not found by its first any more; `stops` is a pattern for what the test
    says where no way is left, and `points` where the thing is then (0–1000), as a model would say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    changed: str
    folder: str
    replace: dict[str, dict[str, str]]
    held: tuple[str, ...] = ()
    stops: str | None = None
    points: Box | None = None

    def lay(self, folder: Path) -> None:
        """Writes the changed pages into a folder. A text to be replaced must be there."""
        shutil.copytree(ASSETS / self.folder, folder / self.folder)
        for name, texts in self.replace.items():
            file = folder / self.folder / name
            page = file.read_text(encoding="utf-8")
            for old, new in texts.items():
                assert old in page, f"{self.folder}/{name} has no {old!r} to be replaced"
                page = page.replace(old, new)
            file.write_text(page, encoding="utf-8")


def variants() -> Iterator[tuple[str, Variant]]:
    """Every variant by the name of its test, in order."""
    for path in sorted(FOLDER.glob("*.yaml")):
        given: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield path.stem, Variant.model_validate(given)


def lay_all(folder: Path, wait: float = 5) -> list[str]:
    """Lays every variant in a folder, with copies of their tests, which wait `wait` seconds; their paths."""
    shutil.copytree(ASSETS / "kit", folder / "kit")
    paths = []
    for name, variant in variants():
        variant.lay(folder)
        test = (RECORDED / "web" / f"{name}.yaml").read_text(encoding="utf-8")
        path = folder / f"{name}.yaml"
        path.write_text(test if variant.stops is None else f"wait: {wait}\n{test}", encoding="utf-8")
        paths.append(str(path))
    return paths
