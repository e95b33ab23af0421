"""The gate, by real edits of real contracts: those that break somebody fail, naming what, whom and
the way out; the others pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deploy.local.services import SERVICES
from tests.library.contracts.breaking_edits import BREAKING
from tests.library.contracts.compatible_edits import COMPATIBLE
from tests.library.contracts.edits import RETIRED, TO_2, UPCAST, Edit
from tools.unreachable import settings_of

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = [f"{service}_service" for service in SERVICES]
CODE = ("common", *FOLDERS, "schemas", "manage.py")


class Copy:
    """Of the code that publishes, in a repository of its own; what is edited is put back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in CODE:
            if (source := ROOT / name).is_dir():
                unwanted = shutil.ignore_patterns("__pycache__", "tests")
                shutil.copytree(source, root / name, ignore=unwanted)
            else:
                shutil.copy(source, root)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "so far")

    def edit(self, edit: Edit) -> None:
        path = self.root / edit.file
        text = path.read_text()
        for old, new in ((edit.old, edit.new), *edit.also):
            assert old in text, f"{edit.file} has not: {old}"
            text = text.replace(old, new, 1)
        path.write_text(text)

    def contracts(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", service, "contracts", *arguments],
            cwd=self.root,
            env=os.environ | settings_of(service),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def copy(copies: Copy) -> Iterator[Copy]:
    yield copies
    copies.git("reset", "--quiet", "--hard", "main")
    copies.git("clean", "--quiet", "-d", "--force")


@pytest.mark.parametrize("edit", BREAKING, ids=lambda edit: edit.name)
def test_it_breaks_somebody(copy: Copy, edit: Edit) -> None:
    # When
    copy.edit(edit)
    checked = copy.contracts(edit.publisher, "check")

    # Then
    assert checked.returncode == 1, checked.stdout
    heading = f":{edit.path and f' {edit.path}'} {edit.rule}\n"
    about = "".join(one for one in checked.stdout.split("✗ ") if heading in one)
    assert about, checked.stdout
    for reader in edit.readers:
        assert reader in about
    for said in edit.says:
        assert said in about


@pytest.mark.parametrize("edit", COMPATIBLE, ids=lambda edit: edit.name)
def test_nobody_is_hurt(copy: Copy, edit: Edit) -> None:
    copy.edit(edit)
    exported = copy.contracts(edit.publisher, "export")
    checked = copy.contracts(edit.publisher, "check", "--base", "main")

    assert (exported.returncode, checked.returncode) == (0, 0), exported.stdout + checked.stdout
    assert "\n0 files" not in exported.stdout


def test_files_that_differ(copy: Copy) -> None:
    """Whoever forgets to write them is told so, and of nothing else."""
    copy.edit(COMPATIBLE[0])

    checked = copy.contracts("inventory", "check")

    assert checked.returncode == 1
    assert "inventory/ProductCreated/1.json is not as the code says" in checked.stdout
    assert "contracts export" in checked.stdout
    assert "0 changes would break" in checked.stdout


def test_what_breaks_is_not_written(copy: Copy) -> None:
    """Except for a version that was never published, as its author says; a commit to compare with
    knows better."""
    copy.edit(BREAKING[0])
    refused = copy.contracts("inventory", "export")
    assert refused.returncode == 1
    assert "nothing is written" in refused.stdout
    assert copy.contracts("inventory", "check").returncode == 1

    assert copy.contracts("inventory", "export", "--replace").returncode == 0
    assert copy.contracts("inventory", "check").returncode == 0
    against_main = copy.contracts("inventory", "check", "--base", "main")
    assert against_main.returncode == 1
    assert "data.name removed" in against_main.stdout


def test_a_published_version_stays(copy: Copy) -> None:
    """Also when the code knows a newer one, and cannot write it anew."""
    copy.edit(next(one for one in COMPATIBLE if one.name == "a new version with its upcast"))
    assert copy.contracts("inventory", "export").returncode == 0
    first = copy.root / "schemas/inventory/ProductCreated/1.json"
    first.write_text(first.read_text().replace('"maxLength": 500', '"maxLength": 50'))
    (copy.root / "schemas/inventory/ProductChanged/1.json").unlink()

    checked = copy.contracts("inventory", "check", "--base", "main")

    assert checked.returncode == 1
    assert "inventory.ProductCreated 1" in checked.stdout
    assert "inventory.ProductChanged 1" in checked.stdout
    assert "published version changed" in checked.stdout


def test_a_file_that_is_gone(copy: Copy) -> None:
    """Is missed without anything to compare with, and not forgotten by writing the others."""
    (copy.root / "schemas/order/OrderCreated/1.json").unlink()

    checked, exported = copy.contracts("order", "check"), copy.contracts("order", "export")

    assert (checked.returncode, exported.returncode) == (1, 1)
    for said in (checked.stdout, exported.stdout):
        assert "order.OrderCreated 1: published version changed" in said
        assert "bring back order/OrderCreated/1.json" in said


def test_the_way_out_is_one(copy: Copy) -> None:
    """Its skeleton is Python; filled in, it passes."""
    # Given what the gate says of a member that was renamed
    renamed = next(one for one in BREAKING if one.name == "renamed")
    copy.edit(renamed)
    said = copy.contracts("inventory", "check").stdout
    lines = [line.removeprefix(" " * 8) for line in said.splitlines()]
    begin = lines.index("@upcast(ProductEvent, from_version=1)")
    skeleton = "\n".join(lines[begin : lines.index("", begin)])

    # When
    filled = skeleton.replace("...: ...", '"label": data["name"]')
    assert filled != skeleton
    new = f"{RETIRED}\n\n{filled}\n"
    copy.edit(Edit("follow it", RETIRED, new, also=(UPCAST, TO_2)))

    # Then
    exported = copy.contracts("inventory", "export")
    assert exported.returncode == 0, exported.stdout


def test_an_unknown_base(copy: Copy) -> None:
    checked = copy.contracts("inventory", "check", "--base", "nowhere")

    assert checked.returncode == 1
    assert "nowhere cannot be compared with" in checked.stdout


def test_a_base_of_before_there_was_anything(copy: Copy) -> None:
    """What there is now is compared with then, and that is said."""
    nothing = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # Git's own name of an empty folder
    checked = copy.contracts("inventory", "check", "--base", nothing)
    assert f"schemas was not there yet at {nothing}, or is called otherwise" in checked.stdout
    assert "compared with the files that are there now" in checked.stdout
    assert checked.returncode == 0, checked.stdout

    copy.edit(BREAKING[0])
    broken = copy.contracts("inventory", "check", "--base", nothing)

    assert broken.returncode == 1
    assert f"{BREAKING[0].path} {BREAKING[0].rule}" in broken.stdout


def test_the_hook_for_pre_commit(copy: Copy) -> None:
    """Its entry is this command, for a project of one service."""
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    python, manage, contracts, *arguments = hook["entry"].split()
    assert (python, manage, contracts) == ("python", "manage.py", "contracts")

    assert copy.contracts("inventory", *arguments).returncode == 0
    copy.edit(BREAKING[0])
    assert copy.contracts("inventory", *arguments).returncode == 1
