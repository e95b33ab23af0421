"""`polder.init --contracts`: the copy that a subscriber has of a publisher's contracts."""

from __future__ import annotations

from pathlib import Path

from tests.library import test_init
from tests.library.test_init import init

made, project = test_init.made, test_init.project  # its fixtures
CONTRACTS = """\
class BookEvent(Event):
    service = "bookshop"
"""


def test_a_copy_of_contracts_follows_its_publisher(project: Path, tmp_path: Path) -> None:
    theirs, copy = tmp_path / "theirs.py", project / "books/contracts.py"
    theirs.write_text(CONTRACTS)
    assert init(project, "--contracts", f"books={theirs}", "--yes").returncode == 0

    theirs.write_text(f"{CONTRACTS}    schema_version = 2\n")
    again = init(project, "--contracts", f"books={theirs}", "--yes")

    assert "+    schema_version = 2" in again.stdout
    assert copy.read_text() == theirs.read_text()


def test_contracts_of_another_are_not_written_over(project: Path, tmp_path: Path) -> None:
    theirs, own = tmp_path / "theirs.py", project / "books/contracts.py"
    theirs.write_text(CONTRACTS)
    own.write_text(CONTRACTS.replace("bookshop", "warehouse"))

    done = init(project, "--contracts", f"books={theirs}", "--yes")

    assert done.returncode == 1
    assert "is no copy of" in done.stdout
    assert "warehouse" in own.read_text()
