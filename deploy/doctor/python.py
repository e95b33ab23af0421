"""Python, its venv module, the checkout's .venv, and the package index it would be filled from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.ask import ask
from deploy.doctor.finding import Finding, fine, note, wrong

REQUIREMENTS = "requirements.txt"
# Run by the environment's own Python: which of the pinned packages are not there as they are pinned.
COMPARE = """
import importlib.metadata, re, sys
for line in open(sys.argv[1]):
    pin = re.match(r"([A-Za-z0-9._-]+)(?:\\[.*\\])?==([^ ;]+) *[\\\\]?$", line.strip())
    if pin:
        try:
            found = importlib.metadata.version(pin[1])
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found != pin[2]:
            print(pin[1], pin[2], "is", found)
"""

# Where its venv module has pip's wheel: Python's own place, then Debian's.
WHEELS = """
import ensurepip, glob, os
print(*glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")), *glob.glob("/usr/share/python-wheels/pip-*.whl"))
"""


def python(root: Path) -> Iterator[Finding]:
    told = ask(["sh", "deploy/local/venv.sh", "--tell", REQUIREMENTS], root)
    if not told.ok:
        yield wrong(*_halves(told.text))
        return
    state, _, rest = told.text.partition(" ")
    if state == "ready":
        yield _complete(root)
        return
    if state == "module":
        yield note(f"the Debian package {rest} is not installed", "`make up` installs it")
        return  # without it, there is no pip to ask the index with
    yield _to_be_made(state, rest, root)
    yield _index(rest or ".venv/bin/python", root)


def _to_be_made(state: str, interpreter: str, root: Path) -> Finding:
    if state == "install":
        return note(f".venv is not up to date with {REQUIREMENTS}", "`make up` does that")
    version = ask([interpreter, "--version"], root).text
    if state == "begin":
        return note(".venv is half-finished or broken", f"`make up` makes it anew with {version}")
    return fine(f"{version} ({interpreter}) for .venv, which `make up` makes")


def _halves(complaint: str) -> tuple[str, str]:
    """What venv.sh says, as what is wrong and what to do."""
    what, _, mend = complaint.replace("polder: ", "", 1).partition(". ")
    return what, mend or "see above, and run again"


def _complete(root: Path) -> Finding:
    version = ask([".venv/bin/python", "--version"], root).text
    different = ask([".venv/bin/python", "-c", COMPARE, REQUIREMENTS], root)
    if not different.ok or different.text:
        return wrong(f".venv is broken: {different.text[:200]}", "rm -r .venv, and `make up` makes it anew")
    return fine(f"{version} in .venv, with every package of {REQUIREMENTS}")


def _index(interpreter: str, root: Path) -> Finding:
    pin = next(line for line in (root / REQUIREMENTS).read_text().splitlines() if "==" in line)
    name, _, version = pin.rstrip(" \\").partition("==")
    answer = ask([*_pip(interpreter, root), "index", "versions", "--retries", "0", "--timeout", "5", name], root, 60.0)
    if answer.ok and version in answer.text.replace(",", " ").split():
        return fine("the package index answers")
    return wrong(
        f"the package index does not answer, or has no {name} {version}, and .venv has to be filled from it",
        "check the network and pip's settings (pip config list; HTTPS_PROXY), and run again",
    )


def _pip(interpreter: str, root: Path) -> list[str]:
    """pip, run from the wheel that the venv module would install."""
    if ask([interpreter, "-m", "pip", "--version"], root).ok:
        return [interpreter, "-m", "pip"]
    found = ask([interpreter, "-c", WHEELS], root).text.split()
    return [interpreter, f"{found[0]}/pip"] if found else [interpreter, "-m", "pip"]
