"""Which of the two stacks `make up` starts, and which one the other targets mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deploy.docker.engine import Engine, NoDocker, find_engine
from deploy.local.errors import PolderError
from deploy.local.run_directory import RunDirectory

VARIABLE = "STACK"


class Choice(NamedTuple):
    engine: Engine | None  # None: without Docker
    reason: str
    forced: bool


def choose(environ: Mapping[str, str]) -> Choice:
    """Docker when an engine answers, unless STACK says otherwise. Raises PolderError when STACK=docker cannot be had."""
    wanted = environ.get(VARIABLE, "")
    if wanted not in ("", "native", "docker"):
        raise PolderError(f"{VARIABLE}={wanted}: there are {VARIABLE}=docker and {VARIABLE}=native.")
    if wanted == "native":
        return Choice(None, f"Without Docker, as {VARIABLE}=native says.", forced=True)
    try:
        engine = find_engine()
    except NoDocker as why:
        if wanted:
            raise PolderError(f"{VARIABLE}=docker, but {why}.") from why
        return Choice(None, f"Without Docker: {why}.", forced=False)
    hint = "" if wanted else f" ({VARIABLE}=native does without)"
    return Choice(engine, f"In containers: {engine}{hint}.", forced=bool(wanted))


def recorded(run: RunDirectory) -> str:
    """What was started here last: "docker" or "native"."""
    try:
        lines = run.stack_env.read_text().splitlines()
    except FileNotFoundError:
        return "native"
    return "docker" if f"{VARIABLE}=docker" in lines else "native"
