"""Collects each service's static files into the image, where no server answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict

from deploy.docker.secrets import inside
from deploy.local.services import SERVICES

if __name__ == "__main__":
    nowhere = inside(defaultdict(lambda: "only-for-collecting-static-files-in-the-image"))
    for service in SERVICES:
        command = [sys.executable, "manage.py", service, "collectstatic", "--noinput"]
        variables = os.environ | nowhere.of_service(service)
        subprocess.run(command, env=variables, check=True)
