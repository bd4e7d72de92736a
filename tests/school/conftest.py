from pathlib import Path

import pytest
from PIL import Image

from env.base import Observation
from tools.geometry import Size


@pytest.fixture
def screenshot(tmp_path: Path) -> Observation:
    path = tmp_path / "seen.png"
    Image.new("RGB", (64, 32)).save(path)
    return Observation(path=path, sha256="0" * 64, size=Size(64, 32), settled=True, waited=0.0)
