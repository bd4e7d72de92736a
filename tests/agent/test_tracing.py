"""Spans of OpenTelemetry, sent to a collector: one for each node, with no text in them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.test_webhook import listening

PROGRAM = """
import asyncio, sys
from pathlib import Path
from agent import tracing
from agent.runner import run
from tests.agent.desk import SOLUTION, a_task, says, scripted
assert tracing.begin()
asyncio.run(run(a_task(), says(*SOLUTION), scripted, Path(sys.argv[1])))
"""


def test_every_node_is_a_span(tmp_path: Path) -> None:
    with listening() as listener:
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": listener.url, "OTEL_EXPORTER_OTLP_COMPRESSION": ""}
        subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "run-7")], env=environment, check=True)
        bodies = b"".join(body for _, body in listener.heard)
    for word in (b"observe", b"decide", b"act", b"surehand.step", b"surehand.verb", b"left_click", b"run-7"):
        assert word in bodies, word
    assert b"milk" not in bodies


def test_without_a_collector_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    from agent import tracing

    monkeypatch.delenv(tracing.ENDPOINT, raising=False)
    assert not tracing.begin()
