"""Collects each service's static files into the image."""

from __future__ import annotations

import os
import subprocess
import sys

from deploy.local.services import SERVICES
from deploy.unreachable import settings_of

if __name__ == "__main__":
    for service in SERVICES:
        command = [sys.executable, "manage.py", service, "collectstatic", "--noinput"]
        subprocess.run(command, env=os.environ | settings_of(service), check=True)
