"""Fixtures of the tests beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.environment import Environment, common_of
from deploy.local.passwords import Passwords
from deploy.local.ports import Ports
from deploy.local.processes import Catalogue
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    run.create()
    return run


@pytest.fixture
def native(run: RunDirectory) -> Catalogue:
    """All processes of a stack without Docker."""
    ports = Ports.from_environment({})
    passwords, common = Passwords(run.passwords), common_of(run.root)
    return Catalogue(Environment(ports.addresses(), passwords, SERVICES, common), ports, ROOT)
