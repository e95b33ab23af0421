"""Writing a service: its folder, its contract, its name in the list of services, and all that is
derived from them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from tools.new_service.errors import NotPossible
from tools.unreachable import settings_of

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Path(__file__).with_name("template")
LIST = ROOT / "deploy" / "local" / "services.py"
LISTED = re.compile(r"^SERVICES: tuple\[str, \.\.\.\] = \((.*?),?\s*\)$", re.MULTILINE | re.DOTALL)


def folder_of(service: str) -> Path:
    return ROOT / f"{service}_service"


def contract_of(service: str) -> Path:
    return ROOT / "common" / "contracts" / f"{service}.py"


def schemas_of(service: str) -> Path:
    return ROOT / "schemas" / service


def texts(service: str, names: Mapping[str, str]) -> dict[Path, str]:
    """All that is written by hand for another service, by where it goes."""
    folder = TEMPLATE / "service"
    sources = {contract_of(service): TEMPLATE / "contracts" / "contract.py.txt"} | {
        folder_of(service) / source.relative_to(folder).with_suffix(""): source
        for source in sorted(folder.rglob("*.txt"))
    }
    return {
        target: Template(source.read_text()).substitute(names) for target, source in sources.items()
    }


def write(service: str, names: Mapping[str, str]) -> None:
    for target, text in texts(service, names).items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    written = [str(folder_of(service)), str(contract_of(service))]
    _run("ruff", "check", "--quiet", "--fix", "--select", "I,F401", *written)
    _run("ruff", "format", "--quiet", *written)


def erase(service: str) -> None:
    for path in (folder_of(service), schemas_of(service)):
        shutil.rmtree(path, ignore_errors=True)
    contract_of(service).unlink(missing_ok=True)


def list_services(services: Iterable[str]) -> None:
    """The one list of them is these from now on."""
    text = LIST.read_text()
    named = ", ".join(f'"{service}"' for service in services)
    LIST.write_text(LISTED.sub(f"SERVICES: tuple[str, ...] = ({named})", text, count=1))
    _run("ruff", "format", "--quiet", str(LIST))


def derive(*services: str) -> None:
    """What is drawn from code: for these services their migrations and contracts, and every page.
    Raises NotPossible with what a program said."""
    for service in services:
        manage = (sys.executable, "-W", "ignore:Got an error checking:RuntimeWarning", "manage.py")
        for command in (("makemigrations", service), ("contracts", "export", "--replace")):
            _call([*manage, service, *command], settings_of(service))
    _call([sys.executable, "-m", "tools.pages"], {})


def _run(program: str, *arguments: str) -> None:
    _call([str(Path(sys.executable).parent / program), *arguments], {})


def _call(command: list[str], variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise NotPossible(f"{' '.join(command[:5])} ... failed:\n{said}")
