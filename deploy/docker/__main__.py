"""`python3 -m deploy.docker`: writes the passwords and variables that compose.yaml reads. Needs Python 3.11 and no package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.docker.files import write_files
from deploy.local.errors import PolderError
from deploy.local.run_directory import RunDirectory

RUN = Path(__file__).resolve().parents[2] / ".run"


def main() -> int:
    if sys.argv[1:]:
        print(f"{__doc__}\nPasswords that are there already are kept. Ports are read from the same variables as compose.yaml's.")
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    try:
        write_files(RunDirectory(RUN), os.environ)
    except PolderError as error:
        print(error)
        return 1
    print(f"Written: {RUN / 'docker'}, and for people and scripts {RUN / 'stack.env'}\nNow: docker compose up --build --wait")
    return 0


if __name__ == "__main__":
    sys.exit(main())
