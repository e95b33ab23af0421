"""docs/tutorial.md, carried out line by line: the commands and files of the page, as they stand
there, in an empty folder with the wheel, until an event of the one project is in the replica of the
other."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from polder.testing import eventually
from tests.library.foreign import forgotten
from tools.links import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r'^```(\w+) title="(.+?)(?:: (.+?))?"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
BEGIN = "## 1. Install"
NAMES = ("bookshop", "blog")


class Block(NamedTuple):
    language: str
    place: str  # the folder of commands, the path of a file
    how: str
    text: str


def blocks(text: str) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(text)]


class Reader:
    """Does what the page says, and counts."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.commands: list[str] = []
        self.lines = 0
        self.last = "", folder
        self.running: list[tuple[subprocess.Popen[bytes], Path]] = []

    def follow(self, block: Block) -> None:
        if block.how == "as it is written":
            assert (self.folder / block.place).read_text() == block.text
        elif block.language == "python":
            self._write(self.folder / block.place, block.text, append=block.how == "at its end")
        elif block.place == "It says":  # what is looked at may come a moment later
            eventually(lambda: block.text in self._run(*self.last), seconds=300)
        else:
            for line in block.text.splitlines():
                self._carry_out(line, block.place, stays="terminal" in block.how)

    def _write(self, path: Path, text: str, *, append: bool) -> None:
        before = path.read_text() if path.exists() else ""
        after = before + text if append else text
        path.write_text(after)
        changes = difflib.ndiff(before.splitlines(), after.splitlines())
        self.lines += sum(change.startswith("+ ") for change in changes)

    def _carry_out(self, line: str, place: str, *, stays: bool) -> None:
        folder = self.folder if place == "here" else self.folder / place
        self.commands.append(line)
        if stays:
            self._start(line, folder)
            return
        if line.startswith(". "):  # what a shell does is of that shell
            path = f"{folder / '.venv' / 'bin'}:{self.environment['PATH']}"
            self.environment["PATH"] = path
            return
        self.last = line, folder
        self._run(line, folder)

    def _run(self, line: str, folder: Path) -> str:
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=folder,
            env=self.environment,
            input=b"y\n",
            capture_output=True,
        )
        said = done.stdout.decode()
        assert done.returncode == 0, said + done.stderr.decode()
        return said

    def _start(self, line: str, folder: Path) -> None:
        output = folder / "output"
        with output.open("w") as file:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.running.append((process, output))
        eventually(lambda: "ready: " in output.read_text() or process.poll() is not None, 300)
        assert process.poll() is None, output.read_text()

    def stop(self) -> list[int]:
        """By Ctrl-C; the exit statuses."""
        for process, _ in self.running:
            process.send_signal(signal.SIGINT)
        return [process.wait(120) for process, _ in self.running]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """In a folder with the wheel; what it makes in the servers is gone afterwards."""
    _build(tmp_path)
    pins = tmp_path / "pins.txt"  # the versions that are tested here
    others = (one for one in distributions() if one.name != "django-polder")
    pins.write_text("".join(f"{one.name}=={one.version}\n" for one in others))
    server = urlsplit(os.environ["ORDER_DATABASE_URL"])
    amqp = urlsplit(os.environ["ORDER_AMQP_URL"])
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    reader = Reader(
        tmp_path,
        pip
        | {
            "PATH": os.environ["PATH"],
            "PIP_CONSTRAINT": str(pins),
            "PGHOST": str(server.hostname),
            "PGPORT": str(server.port),
            "PGUSER": str(server.username),
            "PGPASSWORD": str(server.password),
            "RABBITMQ_MANAGEMENT_URL": os.environ["RABBITMQ_MANAGEMENT_URL"],
        }
        | {
            f"{name.upper()}_AMQP_URL": f"amqp://{name}:p@{amqp.hostname}:{amqp.port}{amqp.path}"
            for name in NAMES
        },
    )
    try:
        yield reader
    finally:
        reader.stop()
        forgotten(*NAMES)


def _build(folder: Path) -> None:
    source = folder / "source"  # building leaves files beside what is built
    shutil.copytree(ROOT / "common" / "polder", source / "common" / "polder")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    options = ["--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run([*pip, *options], check=True)


def test_the_page_does_what_it_says(reader: Reader) -> None:
    # Given two plain projects
    before, _, after = PAGE.read_text().partition(BEGIN)
    for block in blocks(before):
        reader.follow(block)

    # When it is followed
    reader.commands, reader.lines = [], 0
    for block in blocks(after):
        reader.follow(block)

    # Then an event is in the replica, after so many commands (and a look) and lines
    *commands, look = reader.commands
    assert "print" in look
    print(f"{len(commands)} commands, {reader.lines} lines")
    assert len(commands) <= 6
    assert reader.lines < 20

    # And the projects are in order
    assert reader.stop() == [0, 0]
    for name in NAMES:
        folder = reader.folder / name
        for check in (
            "python manage.py check",
            "python manage.py makemigrations --check --dry-run",
            "python manage.py contracts export",
            "python manage.py contracts check",
        ):
            reader.follow(Block("sh", name, "", check))
        assert (folder / "schemas/bookshop/BookAdded/1.json").exists() == (name == "bookshop")
