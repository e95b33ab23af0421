"""`manage.py new-service`: what it writes is whole, and what it cannot do it says."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import SERVICES
from deploy.local.stack import ROOT
from tests.chaos.mutation.edited_copy import edited_copy
from tests.temporary import temporary_folder
from tools.each_service import written
from tools.new_service.command import main

TEMPLATES = ROOT / "tools/new_service/template"
IMPORTED = re.compile(r"^ *from (polder[a-z_.]*) import (\w+(?:, \w+)*)$", re.MULTILINE)


@pytest.fixture
def copy() -> Iterator[Path]:
    with temporary_folder("new-service") as folder:
        yield edited_copy(folder, [])


def run(root: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_it_is_clean_and_passes_its_own_tests(copy: Path) -> None:
    run(copy, "manage.py", "new-service", "billing", "--replicates", "order.order")

    run(copy, "-m", "ruff", "check", ".")
    run(copy, "-m", "ruff", "format", "--check", ".")
    run(copy, "-m", "tools.import_rules")
    assert " passed" in run(copy, "-m", "tests", "billing", "--pytest", "-q")
    with pytest.raises(AssertionError, match="Others need order: "):
        run(copy, "manage.py", "remove-service", "order")


@pytest.mark.parametrize(
    "template", sorted(TEMPLATES.rglob("*.py.txt")), ids=lambda path: path.name
)
def test_its_templates_import_what_is_there(template: Path) -> None:
    for module, names in IMPORTED.findall(template.read_text()):
        there = importlib.import_module(module)
        for name in names.split(", "):
            assert hasattr(there, name) or importlib.import_module(f"{module}.{name}")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("new-service order --replicates inventory.product", "order is taken: order_service"),
        ("new-service money --replicates order.order", r"common/contracts/money.py is there"),
        ("new-service flower --replicates order.order", "Something else is called flower"),
        ("new-service Bill_2 --replicates order.order", "'Bill_2' is no name for a service"),
        ("new-service class --replicates order.order", "'class' is no name for a service"),
        ("new-service billing --replicates order.ordr", r"No contract describes order.ordr. There"),
        ("new-service product --replicates inventory.product", "would be called Product"),
        ("new-service billing --replicates order.order --owns 2", "'2' is no name for what it"),
        ("remove-service billing", "There is no service billing; there are order"),
        ("remove-service flower --data --yes", "There is no service flower; there are order"),
    ],
)
def test_what_cannot_be_done(command: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *arguments = command.split()

    assert main(name, arguments) == 1

    capsys.readouterr().err.index(says)


def test_a_text_for_each_service() -> None:
    text = "[{service}, x]\n\n{service}: {8001+place}\n  {SERVICE}: 1\n\nall:\n  - {service}\n"

    assert written(text, ["a", "b"]) == (
        "[a, b, x]\n\na: 8001\n  A: 1\n\nb: 8002\n  B: 1\n\nall:\n  - a\n  - b\n"
    )
    assert len(SERVICES) == len(set(SERVICES))
