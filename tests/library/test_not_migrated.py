"""Commands in a project whose database has not been migrated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.library import test_init
from tests.library.test_init import init, surroundings

made, project, database = test_init.made, test_init.project, test_init.database  # its fixtures


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", ["relay", "housekeeper", "replicas", "republish --since 1h"])
def test_they_say_what_is_to_be_done(project: Path, command: str) -> None:
    init(project, "--yes")

    done = subprocess.run(
        [sys.executable, "manage.py", *command.split()],
        cwd=project,
        env=surroundings(),
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: the database is not migrated: ")
    assert "manage.py migrate first" in done.stderr
