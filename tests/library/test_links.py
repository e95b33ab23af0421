"""The check of links itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.links import broken, pictures


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page beside a folder with a file of code."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "one.py").write_text("class Walk:\n    def step(self) -> None: ...\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "text",
    [
        "# A walk, of `step`s!\n[up](#a-walk-of-steps)",
        "[code](code/one.py) `Walk.step`, `step()`",
        "`code/one.py` and `code/`, `and/or`",
        "<https://example.org/x> [x](https://example.org/x#y)",
        "```\n[nowhere](nowhere.md)\n```",
    ],
)
def test_what_holds(page: Path, text: str) -> None:
    page.write_text(text)

    assert list(broken(page, page.parent)) == []


@pytest.mark.parametrize(
    "text",
    [
        "[x](nowhere.md)",
        "# One\n[x](#two)",
        "`code/two.py`",
        "[code](code/one.py) `Walk.run`",
        "[code](code/one.py) `Run.step`",
    ],
)
def test_what_does_not(page: Path, text: str) -> None:
    page.write_text(text)

    assert len(list(broken(page, page.parent))) == 1


def test_a_queue_that_is_drawn_belongs_to_a_replica(page: Path) -> None:
    (page.parent / "order_service" / "models").mkdir(parents=True)
    (page.parent / "order_service" / "models" / "replicas.py").write_text(
        'class Stock(Replica, of="stock.stock"): ...\n'
    )
    page.write_text("```mermaid\norder.events --> order.from.stock\n```\n")
    assert list(pictures(page, page.parent)) == []
    page.write_text("```mermaid\nsale.events --> order.from.sale\n```\n")
    assert len(list(pictures(page, page.parent))) == 2
