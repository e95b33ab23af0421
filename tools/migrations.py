"""`make migrations`: writes the migrations that models lack, of every service, without a server."""

from __future__ import annotations

import os
import subprocess
import sys

from deploy.local.services import SERVICES
from tools.unreachable import settings_of


def main() -> int:
    for service in SERVICES:
        print(f"{service}: ", end="", flush=True)
        # The warning says that no server was asked whether the history is consistent; `make up` and
        # the tests ask theirs.
        command = [
            sys.executable,
            "-W",
            "ignore:Got an error checking:RuntimeWarning",
            "manage.py",
            service,
            "makemigrations",
            *sys.argv[1:],
        ]
        if (
            code := subprocess.run(
                command, env=os.environ | settings_of(service), check=False
            ).returncode
        ) != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
