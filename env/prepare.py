"""Carries out setup steps in a sandbox: files, pages, programs."""

import os
from collections.abc import Callable

from env.base import Window
from env.display import Display
from env.documents import file_content
from env.files import write_beneath
from env.sandbox import Child, Sandbox
from env.session import Session
from env.settle import until
from env.setup import Launch, PutFile, Run
from tools.errors import EnvError, ScenarioError


async def put_file(step: PutFile, sandbox: Sandbox) -> None:
    """Writes a file into HOME. Raises ScenarioError."""
    try:
        content = file_content(step)
    except ValueError as error:
        raise ScenarioError(f"put_file {step.path!r}: {error}") from None
    owner = sandbox.folder.uid if os.getuid() == 0 else None
    try:
        write_beneath(sandbox.home, step.path, content, owner)
    except FileNotFoundError as error:
        raise ScenarioError(f"put_file {step.path!r}: {error.strerror}") from None


async def run(step: Run, sandbox: Sandbox, environment: dict[str, str]) -> None:
    """Runs a command to its end. Raises ScenarioError unless it succeeds in time."""
    shown = " ".join(step.command)
    try:
        done = await sandbox.run(step.command, environment, step.timeout)
    except TimeoutError:
        raise ScenarioError(f"run {shown!r}: not done within {step.timeout:g} s") from None
    except EnvError as error:
        if sandbox.gone.done():
            raise
        raise ScenarioError(f"run {shown!r}: {error}") from None
    if done.status != 0:
        raise ScenarioError(f"run {shown!r}: exit status {done.status}: {done.stderr.decode(errors='replace')[-300:]}")


async def launch(step: Launch, sandbox: Sandbox, session: Session, display: Callable[[], Display]) -> Child:
    """Starts a program and waits for its window. Raises ScenarioError for a program that is not there, EnvError."""
    log = (sandbox.folder.path / "programs.log").open("ab")
    with log:
        try:
            child = await sandbox.spawn(step.command, session.environment, stdout=log.fileno(), stderr=log.fileno())
        except EnvError as error:
            if sandbox.gone.done():
                raise
            raise ScenarioError(f"launch {step.command[0]!r}: {error}; is the program installed?") from None

    async def window() -> Window | None:
        if child.status.done() and child.status.result() != 0:
            raise EnvError(f"{step.command[0]} ended with status {child.status.result()} before its window was there")
        return next((w for w in await display().windows() if step.window.lower() in w.title.lower()), None)

    await until(window, step.timeout, f"a window with {step.window!r} in its title from {' '.join(step.command)!r}")
    return child
