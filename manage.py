#!/usr/bin/env python
"""manage.py <service> <command>: Django's commands, for one service at a time."""

from __future__ import annotations

import errno
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand


def main() -> None:
    services = sorted(
        path.parent.name.removesuffix("_service")
        for path in Path(__file__).parent.glob("*_service/settings.py")
    )
    # this checkout's own library, wherever the installed one is
    sys.path.insert(1, str(Path(__file__).parent / "common"))
    if sys.argv[1:2] in (["new-service"], ["remove-service"]):
        from tools.new_service.command import main as write_or_remove

        sys.exit(write_or_remove(sys.argv[1], sys.argv[2:]))
    if len(sys.argv) < 2 or sys.argv[1] not in services:
        given = (
            f"{sys.argv[1]!r} is no service. "
            if len(sys.argv) > 1 and sys.argv[1] not in ("-h", "--help", "help")
            else ""
        )
        sys.exit(
            f"{given}Usage: manage.py <service> <command>, where <service> is "
            f"{' or '.join(services)}; for example: manage.py {services[0]} help. A service more: "
            "manage.py new-service --help"
        )
    service = sys.argv.pop(1)
    sys.argv[0] += f" {service}"  # as usage lines and `help` are to name it
    os.environ["DJANGO_SETTINGS_MODULE"] = f"{service}_service.settings"
    # Logs and pg_stat_activity tell by it who speaks.
    os.environ.setdefault("POLDER_PROCESS", "-".join([service, *sys.argv[1:2]]))
    gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the start
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import ManagementUtility
    from django.db import OperationalError

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            """Called when everything is set up."""
            command = super().fetch_command(subcommand)
            gc.freeze()
            gc.enable()
            return command

    try:
        Utility(sys.argv).execute()
    except ImproperlyConfigured as error:
        sys.exit(
            f"{service}: {str(error).rstrip('.')}. (`make up` starts every process with the "
            "variables that it needs; the README lists them.)"
        )
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        if getattr(error.__cause__, "sqlstate", None):
            sys.exit(
                f"{service}: the database could not do it: {str(error).strip()}\nMend that and "
                "run again; --traceback shows where it was."
            )
        fix = f"Is it there (make status), and is {service.upper()}_DATABASE_URL right?"
        sys.exit(f"{service}: the database does not answer: {str(error).strip()}\n{fix}")
    except OSError as error:
        if error.errno != errno.ENOSPC or "--traceback" in sys.argv:
            raise
        sys.exit(
            f"{service}: the disk is full, {error.filename or 'a file'} could not be written. "
            "Make room, and run again."
        )


if __name__ == "__main__":
    main()
