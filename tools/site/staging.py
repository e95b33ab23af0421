"""The pages as the site has them. They keep their places, so their links hold; a file of the code
that one of them links to becomes a page, and a drawing becomes a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from merman import Merman

from tools.links import FENCED, ROOT

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**/*.md")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
DRAWING = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
MEASURED, NARROWER = "font-size:14px", "font-size:12.5px"  # the reader's font may be wider
WIDE = 900.0  # of a drawing: too small to read on a telephone, where it is moved instead
AS_THEY_ARE = {".svg", ".webp"}
LANGUAGES = {".py": "python", ".sql": "sql", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}


class Staging:
    """Of the pages below `root` into a folder."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder, self.root = folder, root

    def stage(self) -> list[Path]:
        """Writes everything; the pages, from the root."""
        pages = [path.relative_to(self.root) for path in self._pages()]
        for page in pages:
            self.write(page, (self.root / page).read_text())
        return pages

    def write(self, page: Path, text: str) -> None:
        """One page, with what it links to."""
        parts = re.split(f"({FENCED.pattern})", text, flags=FENCED.flags)
        for position, part in enumerate(parts):
            if position % 2 == 0:
                parts[position] = LINK.sub(lambda link: self._link(page, link), part)
            elif drawing := DRAWING.fullmatch(part.strip()):
                before = HEADING.findall("".join(parts[:position]))
                parts[position] = self._picture(page, drawing[1], before[-1])
        self._put(page, "".join(parts))

    def _pages(self) -> Iterator[Path]:
        for pattern in PAGES:
            yield from sorted(self.root.glob(pattern))

    def _link(self, page: Path, link: re.Match[str]) -> str:
        """As it is, or to the page of a file; of a folder, the text alone."""
        mark, words, target = link.groups()
        path = target.partition("#")[0]
        if not path or re.match(r"[a-z]+:", target) or path.endswith(".md"):
            return link[0]
        file = (self.root / page.parent / path).resolve()
        if file.is_dir():
            return words
        name = file.relative_to(self.root)
        if file.suffix in AS_THEY_ARE:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(file.read_bytes())
            return link[0]
        self._put(name.with_name(f"{name.name}.md"), _page_of(name, file.read_text()))
        return f"{mark}[{words}]({path}.md)"

    def _picture(self, page: Path, drawing: str, title: str) -> str:
        number = len(list((self.folder / page.parent).glob(f"{page.stem}-*.svg"))) + 1
        name = f"{page.stem}-{number}.svg"
        (self.folder / page.parent).mkdir(parents=True, exist_ok=True)
        drawn = Merman().render_svg(drawing, None).replace(MEASURED, NARROWER)
        (self.folder / page.parent / name).write_text(drawn)
        width = re.search(r'viewBox="\S+ \S+ ([\d.]+)', drawn)
        wide = " .wide" if width and float(width[1]) > WIDE else ""
        return f"[![{title}]({name}){{ .drawing{wide} }}]({name})\n"

    def _put(self, page: Path, text: str) -> None:
        (self.folder / page).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / page).write_text(text)


def _page_of(name: Path, text: str) -> str:
    """A file of the code. It is left out of the search, where it would hide the pages."""
    fence = "`" * max(4, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    language = LANGUAGES.get(name.suffix, "text")
    return (
        f"---\ntitle: {name.name}\nsearch:\n  exclude: true\n---\n\n"
        f"# {name}\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"
    )
