"""What was published before, as Git has it: from a hook, of a submodule, and without Git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from polder.contracts.published import UnknownBase, in_folder, in_git

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"


def git(where: Path, *arguments: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    allowed = ["-c", "protocol.file.allow=always"]
    subprocess.run(["git", *who, *allowed, *arguments], cwd=where, check=True)


def committed(where: Path) -> Path:
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", "so far")
    return where


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Of several services, one of which has published."""
    place = tmp_path / "all"
    shutil.copytree(SCHEMAS / "shipping", place / "services/shop/schemas/shipping")
    git(tmp_path, "init", "--quiet", str(place))
    return committed(place)


def test_in_a_hook(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of another work tree of the repository, Git tells a hook where it is."""
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "other"))
    of_it = repository / ".git/worktrees/other"
    monkeypatch.setenv("GIT_DIR", str(of_it))
    monkeypatch.setenv("GIT_INDEX_FILE", str(of_it / "index"))

    folder = tmp_path / "other/services/shop/schemas"

    assert in_git(folder, "HEAD") == in_folder(folder)


def test_of_a_submodule(repository: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shutil.copytree(SCHEMAS / "order", shared / "order")
    git(tmp_path, "init", "--quiet", str(shared))
    committed(shared)
    git(repository, "submodule", "--quiet", "add", str(shared), "contracts")
    committed(repository)
    shutil.rmtree(repository / "contracts/order/OrderCreated")

    before = in_git(repository / "contracts", "HEAD")

    assert before.schemas == in_folder(shared).schemas


def test_what_was_not_there_yet(repository: Path) -> None:
    assert in_git(repository / "services/shop/other", "HEAD").schemas == {}


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(repository))

    with pytest.raises(UnknownBase, match="there is no git here"):
        in_git(repository / "services/shop/schemas", "HEAD")
