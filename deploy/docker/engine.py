"""Whether Docker can be used here, and how Compose is called."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.local.errors import PolderError

ANSWER_SECONDS = 20.0
CALLS = (("docker", "compose"), ("docker-compose",))  # the plugin of today; the program of yesterday, as Debian 12 has it
PACKAGES = "docker-compose-plugin from Docker, docker-compose from Debian, docker-compose-v2 from Ubuntu"
# What clients of different ages say of a plugin that they do not find; the first also prints all its help.
UNKNOWN = re.compile(r"^(docker: )?(unknown flag: --short|unknown command: docker compose|'compose' is not a docker command)", re.MULTILINE)


class NoDocker(PolderError):
    """Docker cannot be used; the message says what is missing."""


@dataclass(frozen=True)
class Engine:
    """One that answers."""

    version: str
    compose: tuple[str, ...]
    compose_version: str

    def __str__(self) -> str:
        return f"Docker {self.version} answers, with {' '.join(self.compose)} {self.compose_version}"


def find_engine() -> Engine:
    """Raises NoDocker."""
    if shutil.which("docker") is None:
        raise NoDocker("there is no docker command here")
    status, answer = _ask(["docker", "version", "--format", "{{.Server.Version}}"])
    if status != 0:
        raise NoDocker(_why(answer))
    refused = []
    for call in CALLS:
        status, version = _ask([*call, "version", "--short"])
        if status == 0:
            return Engine(answer, call, version.lstrip("v"))
        if shutil.which(call[0]) and not UNKNOWN.search(version):
            refused.append(f"`{' '.join(call)}` says: {_last_line(version)}")
    raise NoDocker(f"Docker {answer} answers, but has no Compose ({'; '.join(refused) or f'it would be {PACKAGES}'})")


def _ask(command: Sequence[str]) -> tuple[int, str]:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {ANSWER_SECONDS:.0f} s"
    except OSError as error:
        return 1, str(error)
    return result.returncode, (result.stdout if result.returncode == 0 else result.stderr or result.stdout).strip()


def _why(answer: str) -> str:
    if "permission denied" in answer.lower():
        return "there is a Docker engine, but its socket is closed to this user (usually: not in the group docker)"
    return f"there is a docker command and no engine that answers: {_last_line(answer).split('. Is the docker daemon')[0]}"


def _last_line(answer: str) -> str:
    return answer.splitlines()[-1] if answer else "it says nothing"
