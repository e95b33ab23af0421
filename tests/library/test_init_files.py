"""Files are changed all together or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from polder.init import files
from polder.init.files import Change


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    old, new = tmp_path / "settings.py", tmp_path / "celery.py"
    old.write_text("changed")

    with pytest.raises(OSError, match="meanwhile"):
        files.write([Change(old, "before", "after"), Change(new, None, "after")])

    assert old.read_text() == "changed"
    assert not new.exists()


def test_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "file.py", tmp_path / "link.py"
    file.write_text("before")
    link.symlink_to(file)

    files.write([Change(link, "before", "after")])

    assert (link.is_symlink(), file.read_text()) == (True, "after")


def test_a_file_that_cannot_be_written_leaves_all_as_it_was(tmp_path: Path) -> None:
    old = tmp_path / "settings.py"
    old.write_text("before")
    (tmp_path / "celery.py").mkdir()  # no file takes its place
    (tmp_path / "celery.py/full").touch()
    names = ("contracts.py", "celery.py")
    changes = [
        Change(old, "before", "after"),
        *(Change(tmp_path / name, None, "after") for name in names),
    ]

    with pytest.raises(OSError, match="celery"):
        files.write(changes)

    assert old.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["celery.py", "settings.py"]
