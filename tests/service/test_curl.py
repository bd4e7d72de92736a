"""The README's lines, by curl itself."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.service.conftest import Service

README = Path(__file__).resolve().parent.parent.parent / "README.md"


@pytest.mark.browser
@pytest.mark.xdist_group("browsing")
def test_three_lines_order_a_run_follow_it_and_find_it_again(browsing: Service) -> None:
    create, follow, find = re.findall(r"^curl .*", README.read_text(encoding="utf-8"), re.M)

    def said(line: str, **words: str) -> str:
        line = line.replace("localhost:8080", browsing.address)
        environment = {**os.environ, "TOKEN": browsing.token, **words}
        done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    run = json.loads(said(create))
    assert 'data: {"state": "ended", "status": "passed"' in said(follow, RUN=run["id"])
    assert [one["id"] for one in json.loads(said(find))["runs"]] == [run["id"]]
