"""Worker, housekeeper and beat load nothing of what only a web process serves."""

from __future__ import annotations

import subprocess
import sys

from tools.links import ROOT

LOADED = """
import sys
import django
django.setup()
from polder.consumer.arguments import service_app
service_app().loader.import_default_modules()
print(*sorted(sys.modules))
"""
SERVED = ("rest_framework.views", "drf_spectacular.views", "order_service.urls")


def test_no_address_and_no_page() -> None:
    environment = ["env", "DJANGO_SETTINGS_MODULE=order_service.settings", "PYTHONPATH=.:common"]
    done = subprocess.run(
        [*environment, sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, check=True
    )
    loaded = done.stdout.decode().split()

    assert "order_service.tasks" in loaded
    assert not set(SERVED) & set(loaded)
