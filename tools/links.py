"""`python -m tools.links`: every relative link of the Markdown pages leads somewhere, to a heading
too; every path that they name is there; and what they name behind a link to a file of code is
declared in that file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from polder.conditions import anchor_of

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`([\w.-]+/[\w./-]*)`")
NAMES_BEHIND_LINK = re.compile(r"\]\(([^)\s#]+\.py)\)((?:,? `[^`]+`)+)")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
MERMAID = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
REPLICA_OF = re.compile(r"\bof=\"([a-z]+)\.")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


def broken(page: Path, root: Path) -> Iterator[str]:
    """What does not hold of one page, each as a sentence; `root` is where the paths that it names
    begin."""
    text = FENCED.sub("", page.read_text())
    for target in LINK.findall(text):
        yield from _broken_link(page, target)
    for named in NAMED_PATH.findall(text):
        top = root / named.partition("/")[0]
        if top.is_dir() and not top.name.startswith(".") and not (root / named).exists():
            yield f"names {named}, which is not there"
    for target, names in NAMES_BEHIND_LINK.findall(text):
        file = page.parent / target
        known = set(declared(ast.parse(file.read_text()))) if file.exists() else set()
        for name in re.findall(r"`([^`]+)`", names):
            if name.removesuffix("()") not in known:
                yield f"says that {name} is in {target}, where it is not"


def declared(code: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Functions, classes and names of a module; members of a class as `Class.name` and `name`."""
    for node in code.body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
        if isinstance(node, ast.ClassDef):
            for member in declared(node):
                yield from (member, f"{node.name}.{member}")


def pictures(page: Path, root: Path) -> Iterator[str]:
    """Names of exchanges and queues in a page's pictures that are not those of the replicas; all
    queues, if it shows some of several."""
    replicas = root.glob("*_service/models/replicas.py")
    heard = {
        path.parts[-3].removesuffix("_service"): set(REPLICA_OF.findall(path.read_text()))
        for path in replicas
    }
    queues = {
        f"{service}.from.{publisher}"
        for service, publishers in heard.items()
        for publisher in publishers
    }
    for picture in MERMAID.findall(page.read_text()):
        drawn = set(re.findall(r"\b[a-z]+\.from\.[a-z]+\b", picture))
        yield from (
            f"draws the queue {name}, which is not there" for name in sorted(drawn - queues)
        )
        yield from (f"draws no queue {name}" for name in sorted(queues - drawn) if len(drawn) > 2)
        yield from (
            f"draws {name}.events, which nobody publishes"
            for name in re.findall(r"\b([a-z]+)\.events\b", picture)
            if name not in heard
        )


def _broken_link(page: Path, target: str) -> Iterator[str]:
    if re.match(r"[a-z]+:", target):
        return
    path, _, anchor = unquote(target).partition("#")
    file = page.parent / path if path else page
    if not file.exists():
        yield f"links to {target}, which is not there"
    elif anchor and file.suffix == ".md" and anchor not in anchors(file):
        yield f"links to {target}: no such heading"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Of its headings, as GitHub makes them: lower case, without punctuation, a hyphen for each
    space."""
    found: list[str] = []
    for heading in HEADING.findall(FENCED.sub("", page.read_text())):
        anchor = anchor_of(heading)
        found.append(f"{anchor}-{number}" if (number := found.count(anchor)) else anchor)
    return frozenset(found)


def main() -> int:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    pages = [ROOT / name for name in listed.stdout.split()]
    problems = [
        f"{page.relative_to(ROOT)} {problem}"
        for page in pages
        if page.exists() and not page.is_symlink()  # the page itself is looked at
        for problem in [*broken(page, ROOT), *pictures(page, ROOT)]
    ]
    print("\n".join(problems) or f"{len(pages)} pages, every link leads somewhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
