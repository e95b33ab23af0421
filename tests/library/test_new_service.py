"""`manage.py new-service`: what it writes is whole, and what it cannot do it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from django.apps import apps

from deploy.docker.places import published
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT
from polder.contracts.event import Event, State
from polder.contracts.types import Text
from tests.chaos.mutation.edited_copy import edited_copy
from tests.temporary import temporary_folder
from tools.each_service import RENEWED, renewed, written
from tools.new_service import command
from tools.new_service.command import main
from tools.new_service.fields import fields_of
from tools.new_service.names import Followed
from tools.new_service.writing import TEMPLATE


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


def test_it_is_clean_and_passes_its_own_tests(copy: Path) -> None:
    run(copy, "manage.py", "new-service", "billing", "--replicates", "order.order")

    run(copy, "-m", "ruff", "check", ".")
    run(copy, "-m", "ruff", "format", "--check", ".")
    run(copy, "-m", "tools.import_rules")
    assert " passed" in run(copy, "-m", "tests", "billing", "--pytest", "-q")
    with pytest.raises(AssertionError, match="Others need order: "):
        run(copy, "manage.py", "remove-service", "order")


def test_what_the_template_takes_from_the_library_is_there() -> None:
    """It is no Python, so nothing else says at once that a name has moved."""
    taken = re.compile(r"^from (polder[\w.]*|common[\w.]*) import ([\w, ]+)$", re.MULTILINE)
    for source in sorted(TEMPLATE.rglob("*.txt")):
        for module, names in taken.findall(source.read_text()):
            for name in names.split(", "):
                assert hasattr(import_module(module), name), (source.name, module, name)


class VisitState(State):
    visitor: UUID
    place: Text
    note: Text = ""

    @property
    def subject(self) -> str:
        return f"{self.visitor.hex}-{self.place}"


class GuestState(VisitState):
    @property
    def subject(self) -> str:
        return str(self.visitor)


@pytest.mark.parametrize(
    ("state", "is_uuid", "columns"),
    [(VisitState, False, {"visitor", "place", "note"}), (GuestState, True, {"place", "note"})],
)
def test_several_members_that_are_the_key(
    monkeypatch: pytest.MonkeyPatch, state: type[State], is_uuid: bool, columns: set[str]
) -> None:
    """Together they are a text, and each by itself is told as any other."""
    monkeypatch.setattr(Event, "known", {})
    contract = {"__module__": __name__, "__doc__": "It is there.", "service": "visits"}
    members = {"aggregate": "visit", "__annotations__": {"data": state}}
    kind = type("Visited", (type("VisitEvent", (Event,), contract | members),), {})

    found = Followed("visits.visit", kind)

    assert found.has_uuid is is_uuid
    assert fields_of(found.example)[0].keys() == columns


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("new-service order --replicates inventory.product", "order is taken: order_service"),
        ("new-service money --replicates order.order", r"common/contracts/money.py is there"),
        ("new-service flower --replicates order.order", "Something else is called flower"),
        ("new-service data --replicates order.order", "Something else is called data"),
        ("new-service Bill_2 --replicates order.order", "'Bill_2' is no name for a service"),
        ("new-service class --replicates order.order", "'class' is no name for a service"),
        ("new-service billing --replicates order.ordr", r"No contract describes order.ordr. There"),
        ("new-service product --replicates inventory.product", "would be called Product"),
        ("new-service billing --replicates order.order --owns 2", "'2' is no name for what it"),
        ("new-service billing --replicates order.order --owns def", "'def' is no name for what"),
        ("new-service billing --replicates order.order --owns none", "'none' is no name for what"),
        ("new-service billing --replicates order.order --owns event", "Event would be two things"),
        ("new-service bills --replicates order.order --owns request", "Request would be two"),
        ("new-service version --replicates order.order", "Version would be two things"),
        ("new-service bills --replicates order.order --owns operation", "Operation would be two"),
        ("new-service bills --replicates order.order --owns exception", "Exception would be two"),
        ("new-service contenttypes --replicates order.order", "Something else is called content"),
        ("remove-service billing", "There is no service billing; there are order"),
        ("remove-service flower --data --yes", "There is no service flower; there are order"),
    ],
)
def test_what_cannot_be_done(line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *arguments = line.split()

    assert main(name, arguments) == 1

    capsys.readouterr().err.index(says)


def test_no_service_is_called_as_an_app() -> None:
    labels = {app.label for app in apps.get_app_configs()} - {*SERVICES}
    assert {label for label in labels if re.fullmatch("[a-z]+", label)} <= command.RESERVED


def test_nobody_says_yes_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(_: str) -> str:
        raise EOFError

    erased: list[str] = []
    monkeypatch.setattr("builtins.input", nobody)
    monkeypatch.setattr(command, "_users_of", lambda service: [])
    monkeypatch.setattr(command.kept, "kept", lambda service: "")
    monkeypatch.setattr(command.writing, "erase", erased.append)
    monkeypatch.setattr(command.writing, "list_services", erased.extend)

    assert main("remove-service", ["order"]) == 1
    assert "nothing is deleted" in capsys.readouterr().err
    assert erased == []


def test_a_text_for_each_service() -> None:
    text = "[{service}, x]\n\n{service}: 1\n  {SERVICE}: 1\n\nall:\n  - {service}\n"

    assert written(text, ["a", "b"]) == (
        "[a, b, x]\n\na: 1\n  A: 1\n\nb: 1\n  B: 1\n\nall:\n  - a\n  - b\n"
    )
    assert len(SERVICES) == len(set(SERVICES))


def test_what_is_said_of_the_first_service_is_said_of_each() -> None:
    # Given what names two, and one with a name that begins like the other's
    text = (
        "[a, ab, x]\n\na-web:\n  A_PORT: ${A_PORT:-1}\n\nab-web:\n  old\n\n"
        "all:\n  - a\n  - ab\n  - a_part\n"
    )

    # When
    three = renewed(text, ["a", "ab", "c"], {"A_PORT": 1, "AB_PORT": 2, "C_PORT": 3})

    # Then each is there as the first is, with its port, and nothing else has changed
    assert three == (
        "[a, ab, c, x]\n\na-web:\n  A_PORT: ${A_PORT:-1}\n\nab-web:\n  AB_PORT: ${AB_PORT:-2}\n\n"
        "c-web:\n  C_PORT: ${C_PORT:-3}\n\nall:\n  - a\n  - ab\n  - c\n  - a_part\n"
    )
    assert renewed(three, ["a"], {}).split("\n\n")[1:] == [
        "a-web:\n  A_PORT: ${A_PORT:-1}",
        "all:\n  - a\n  - a_part\n",
    ]


def test_a_file_of_all_services_loses_one_and_gets_it_back() -> None:
    for name in RENEWED:
        text, ports = (ROOT / name).read_text(), published({}).by_variable()
        for some in (SERVICES[1:], SERVICES[:-1], (*SERVICES, "billing")):
            assert renewed(renewed(text, some, ports), SERVICES, ports) == text, (name, some)
