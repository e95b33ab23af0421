"""The examples of docs/testing.md, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from common.contracts.inventory import ProductCreated
from order_service.models import Product
from polder.testing import make_event
from polder.testing.wire import NeverAtRest, Wire

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"


def examples() -> Iterator[Any]:
    """Each with its arguments, besides fixtures, as its own mark says."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 (our own page)
    for name, function in names.items():
        if name.startswith("test_"):
            marks = getattr(function, "pytestmark", [])
            given = [{mark.args[0]: one} for mark in marks for one in mark.args[1]]
            for arguments in given or [{}]:
                yield pytest.param(function, arguments, id=f"{name}{[*arguments.values()] or ''}")


@pytest.mark.parametrize(("function", "arguments"), [*examples()])
def test_an_example(
    db: None,  # named here, it runs among the others that need no commit
    request: pytest.FixtureRequest,
    function: Callable[..., None],
    arguments: dict[str, Any],
) -> None:
    wanted = set(signature(function).parameters) - set(arguments)

    function(**arguments, **{name: request.getfixturevalue(name) for name in wanted})


def test_what_does_not_come_to_rest_is_told(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polder.testing.wire.MOST_ROUNDS", 1)
    wire.send(make_event(ProductCreated))

    with pytest.raises(NeverAtRest, match="1 messages are under way yet"):
        wire.run()


def test_the_plugin_is_loaded_where_there_is_no_django_project(tmp_path: Path) -> None:
    (tmp_path / "test_any.py").write_text("def test_any(): pass")
    plugins = ["-p", "no:django", "-p", "no:polder", "-p", "polder.pytest_plugin"]
    bare = {name: text for name, text in os.environ.items() if "DJANGO" not in name}
    command = [sys.executable, "-m", "pytest", "--quiet", *plugins]

    subprocess.run(command, cwd=tmp_path, check=True, env=bare, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("seed", range(5))
def test_each_message_comes_twice(db: None, seed: int) -> None:
    wire = Wire(seed)
    wire.send(*(make_event(ProductCreated) for _ in range(10)), b"{")
    wire.run()

    assert (wire.outcomes["applied"], wire.outcomes["duplicate"]) == (10, 11)
    assert Product.objects.count() == 10
