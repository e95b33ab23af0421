#!/usr/bin/env python
"""manage.py <service> <command>: Django's commands, for one service at a time."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    services = sorted(path.parent.name.removesuffix("_service") for path in Path(__file__).parent.glob("*_service/settings.py"))
    if len(sys.argv) < 2 or sys.argv[1] not in services:
        given = f"{sys.argv[1]!r} is no service. " if len(sys.argv) > 1 and sys.argv[1] not in ("-h", "--help", "help") else ""
        sys.exit(
            f"{given}Usage: manage.py <service> <command>, where <service> is {' or '.join(services)}; for example: manage.py {services[0]} help"
        )
    service = sys.argv.pop(1)
    os.environ["DJANGO_SETTINGS_MODULE"] = f"{service}_service.settings"
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{service}: {error}. (`make up` starts every process with the variables that it needs.)")


if __name__ == "__main__":
    main()
