"""`make contracts`: writes the contracts of every service into schemas/, and draws docs/events.md,
without a server. What breaks somebody is refused; `--replace` writes it where it was never
published."""

from __future__ import annotations

import os
import subprocess
import sys

from deploy.local.services import SERVICES
from tools.unreachable import settings_of


def main() -> int:
    for service in SERVICES:
        print(f"{service}: ", end="", flush=True)
        command = [sys.executable, "manage.py", service, "contracts", "export", *sys.argv[1:]]
        done = subprocess.run(command, env=os.environ | settings_of(service), check=False)
        if done.returncode != 0:
            return done.returncode
    return subprocess.run([sys.executable, "-m", "tools.pages"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
