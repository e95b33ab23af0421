"""llms.txt, as llmstxt.org describes it: what there is to read, for programs that read Markdown.
The pages themselves are beside their HTML."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
NO_TEXT = ("#", "|", "<", "!", "```", "- ", "---")
SENTENCE = re.compile(r"(.+?[.:])(?:\s|$)", re.DOTALL)


def write(pages: Path, site: Path, names: Sequence[Path]) -> None:
    """Into the site; `names` are the pages, seen from the folder `pages`."""
    lines = ["# Polder", "", f"> {_summary((pages / 'README.md').read_text())}", "", "## Pages", ""]
    for page in pages.rglob("*.md"):  # those of the code, too: the others link to them
        shutil.copy(page, site / page.relative_to(pages))
    for name in names:
        text = (pages / name).read_text()
        found = HEADING.search(text)
        lines.append(f"- [{found[1] if found else name}]({name}): {_summary(text)}")
    (site / "llms.txt").write_text("\n".join(lines) + "\n")


def _summary(text: str) -> str:
    """The first sentence, without its links."""
    blocks = (" ".join(block.split()) for block in text.split("\n\n"))
    first = next((one for one in blocks if one and not one.startswith(NO_TEXT)), "")
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", first)
    sentence = SENTENCE.match(words)
    return sentence[1] if sentence else words
