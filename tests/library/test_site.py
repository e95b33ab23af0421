"""`make docs`: the site has every page, and fetches nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.links import ROOT
from tools.site.__main__ import build
from tools.site.reference import listed, reference
from tools.site.staging import Staging

UNREAD = "<p>```"  # a block of code whose first line is not understood
FETCHED = re.compile(r"""(?:<(?:script|img|iframe)[^>]*\ssrc|<link[^>]*\shref)="?(?:https?:)?//""")


def test_it_has_every_page_and_fetches_nothing(tmp_path: Path) -> None:
    site = build(tmp_path / "docs")

    pages = list(site.rglob("*.html"))
    assert site / "docs" / "adopting.html" in pages
    assert site / "order_service" / "services.py.html" in pages
    assert [page for page in pages if FETCHED.search(page.read_text())] == []
    assert [page for page in pages if UNREAD in page.read_text()] == []

    # And a drawing that is too wide for a telephone is moved there, and opens by itself
    drawn = (site / "docs" / "architecture.html").read_text()
    assert '<a href="architecture-1.svg"><img alt="The whole" class="drawing wide"' in drawn
    assert 'class="drawing" src="architecture-2.svg"' in drawn

    # And programs find its pages as Markdown
    named = re.findall(r"^- \[.*?\]\((.*?)\): \S", (site / "llms.txt").read_text(), re.MULTILINE)
    assert {"README.md", "docs/reference.md", "docs/events.md"} <= set(named)
    assert [name for name in named if not (site / name).is_file()] == []


def test_the_reference_says_of_every_public_name_what_it_is() -> None:
    text = reference()

    for _, name in listed((ROOT / "docs/public.md").read_text()):
        assert f"### {name}\n" in text
    assert "save_changed(aggregates: Sequence[A], *fields: str) -> None" in text


def test_a_public_name_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "public.md"
    page.write_text("| `publish`, `unpublish` | `polder.outbox.publish` | takes it back |\n")

    with pytest.raises(KeyError, match="unpublish"):
        reference(page)


def test_links_lead_to_pages_of_the_code_and_drawings_become_pictures(tmp_path: Path) -> None:
    (tmp_path / "root/code").mkdir(parents=True)
    (tmp_path / "root/code/one.py").write_text("ONE = 1\n")
    staging = Staging(tmp_path / "pages", tmp_path / "root")

    staging.write(
        Path("docs/page.md"),
        "# Page\n\n[one](../code/one.py#l1), [code](../code), [other](page.md#page)\n\n"
        "```text\n[as](it/is.py)\n```\n\n```mermaid\nflowchart LR\n    a --> b\n```\n",
    )

    assert (tmp_path / "pages/docs/page.md").read_text() == (
        "# Page\n\n[one](../code/one.py.md), code, [other](page.md#page)\n\n"
        "```text\n[as](it/is.py)\n```\n\n[![Page](page-1.svg){ .drawing }](page-1.svg)\n\n"
    )
    assert "````python\nONE = 1\n````" in (tmp_path / "pages/code/one.py.md").read_text()
    assert (tmp_path / "pages/docs/page-1.svg").read_text().startswith("<svg")
