"""The folder of what was published: for each version of each event its JSON Schema, an example and
what is made of its samples, and for each service what it reads of others. Nothing in it is written
by hand.

    <service>/<Event>/<version>.json
    <service>/<Event>/<version>.example.json
    <service>/<Event>/readings/<version>.json
    <service>/reads.json
    asyncapi.yaml
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from polder.contracts.json_schema import Schema
from polder.contracts.readings import Readings

READS = "reads.json"
READINGS = "readings"
ASYNCAPI = "asyncapi.yaml"
OF_A_HOOK = {"GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"}
_TOLD = re.compile(r"\$ref: \./(\w+)/(\w+)/(\d+)\.json$", re.MULTILINE)


class UnknownBase(ValueError):
    """Git does not know that reference."""


class Version(NamedTuple):
    """One version of one event. They are sorted by it."""

    service: str
    event: str
    number: int

    @property
    def name(self) -> str:
        """As an event's `dataschema` names it."""
        return f"{self.service}/{self.event}/{self.number}"


class Published(NamedTuple):
    """What a folder holds."""

    schemas: Mapping[Version, Schema]
    examples: Mapping[Version, Any]
    readings: Mapping[Version, Readings]
    reads: Mapping[str, Any]  # by service
    asyncapi: str

    def gone(self) -> Iterator[Version]:
        """Of which the AsyncAPI document still tells, and there is no file any more."""
        for service, event, number in _TOLD.findall(self.asyncapi):
            version = Version(service, event, int(number))
            if version not in self.schemas:
                yield version

    def newest(self) -> Iterator[Version]:
        """The last version of each event."""
        last = {(one.service, one.event): one for one in sorted(self.schemas)}
        yield from last.values()


def in_folder(folder: Path) -> Published:
    """As it is in the folder; empty where there is none. Raises ValueError for a file that is no
    JSON."""
    files = {
        path.relative_to(folder).as_posix(): path.read_text()
        for pattern in ("*/**/*.json", ASYNCAPI)
        for path in folder.glob(pattern)
    }
    return _published(files)


def in_git(folder: Path, base: str) -> Published:
    """As it was in the commit that Git calls `base`; empty where it was not there yet. Raises
    UnknownBase."""
    top = Path(_git(folder.parent, "rev-parse", "--show-toplevel").decode().strip())
    place = folder.resolve().relative_to(top.resolve()).as_posix()
    there = _git(top, "ls-tree", base, place, unknown=base).split()
    if not there:
        return _published({})
    kind, name = there[1:3]
    where = folder if kind == b"commit" else top  # a submodule
    archive = _git(where, "archive", "--format=tar", name.decode(), unknown=base)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {
            member.name: reader.read().decode()
            for member in tar
            if member.isfile() and (reader := tar.extractfile(member))
        }
    return _published(files)


def _git(where: Path, *arguments: str, unknown: str = "") -> bytes:
    # Git tells its hooks where the repository is, and looks for no folder of it any more.
    around = {name: one for name, one in os.environ.items() if name not in OF_A_HOOK}
    command = ["git", "-C", str(where), *arguments]
    try:
        done = subprocess.run(command, env=around, capture_output=True, check=False)
    except FileNotFoundError:
        raise UnknownBase("there is no git here, which knows what was before") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise UnknownBase(f"{unknown or where} cannot be compared with: {said}")
    return done.stdout


def _published(files: Mapping[str, str]) -> Published:
    schemas: dict[Version, Schema] = {}
    examples: dict[Version, Any] = {}
    readings: dict[Version, Readings] = {}
    reads: dict[str, Any] = {}
    for name, text in sorted(files.items()):
        parts = name.split("/")
        if len(parts) == 2 and parts[1] == READS:
            reads[parts[0]] = _loads(name, text)
        elif len(parts) == 3 and (number := parts[2].partition(".")[0]).isdigit():
            into = examples if parts[2].endswith(".example.json") else schemas
            into[Version(parts[0], parts[1], int(number))] = _loads(name, text)
        elif len(parts) == 4 and parts[2] == READINGS:
            number = parts[3].removesuffix(".json")
            readings[Version(parts[0], parts[1], int(number))] = _loads(name, text)
    return Published(schemas, examples, readings, reads, files.get(ASYNCAPI, ""))


def _loads(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is no JSON: {error}") from error


def as_files(published: Published) -> dict[str, str]:
    """By path in the folder, what is to be in it."""
    files = {f"{one.name}.json": _dumps(schema) for one, schema in published.schemas.items()}
    files |= {
        f"{one.name}.example.json": _dumps(example) for one, example in published.examples.items()
    }
    files |= {
        f"{one.service}/{one.event}/{READINGS}/{one.number}.json": _dumps(said)
        for one, said in published.readings.items()
    }
    files |= {f"{service}/{READS}": _dumps(reads) for service, reads in published.reads.items()}
    return files | {ASYNCAPI: published.asyncapi}


def _dumps(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
