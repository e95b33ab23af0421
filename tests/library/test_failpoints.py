"""Failpoints: inert as a rule, done once when armed, and each of them is somewhere on the road."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.stack import ROOT
from polder.process import failpoints
from polder.process.failpoints import VARIABLE, Failpoint, FailpointReached

POINT = Failpoint.WORKER_AFTER_MERGE


@pytest.fixture
def armed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that arms POINT for the service of this process."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path / f"order.{POINT}"


def test_inert_unless_the_environment_says_otherwise() -> None:
    assert failpoints.failpoint is failpoints._inert


def test_nothing_happens_where_nothing_is_armed(armed: Path) -> None:
    failpoints._armed(POINT)


def test_an_armed_point_raises_once(armed: Path) -> None:
    armed.write_text("raise")

    with pytest.raises(FailpointReached, match=POINT):
        failpoints._armed(POINT)
    failpoints._armed(POINT)

    assert Path(f"{armed}.hit").exists()


def test_an_armed_point_pauses(armed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(failpoints.time, "sleep", naps.append)
    armed.write_text("pause 2.5")

    failpoints._armed(POINT)

    assert naps == [2.5]


def test_an_armed_point_kills(armed: Path) -> None:
    armed.write_text("kill")
    program = (
        "import django; django.setup(); "
        "from polder.process.failpoints import Failpoint, failpoint; "
        f"failpoint(Failpoint('{POINT}')); print('alive')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (-9, "")


@pytest.mark.parametrize("point", Failpoint)
def test_each_is_at_one_place(point: Failpoint) -> None:
    sources = [path.read_text() for path in (ROOT / "common").rglob("*.py")]
    assert sum(source.count(f"failpoint(Failpoint.{point.name})") for source in sources) == 1
