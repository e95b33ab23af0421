"""Every command of a service says what it is for, with an example that it would take."""

from __future__ import annotations

import re
import shlex

import pytest
from django.core.management import get_commands, load_command_class

from polder import this_service
from polder.process.command import ServiceCommand

OURS = sorted(
    name
    for name, app in get_commands().items()
    if app.startswith("polder.") or app.endswith("_service")
)


def test_there_are_some() -> None:
    assert {"relay", "worker", "topology", "seed"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_help_ends_in_examples_that_the_command_takes(name: str) -> None:
    # Given
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, ServiceCommand)

    # When
    parser = command.create_parser(f"manage.py {this_service.name()}", name)
    shown = parser.format_help().split("example", 1)[1]

    # Then
    for example in command.examples:
        assert example in shown
        words = [word for word in shlex.split(example) if not re.match(r"[A-Z_]+=", word)]
        assert words[:1] + words[2:3] == ["manage.py", name]
        parser.parse_args(words[3:])
