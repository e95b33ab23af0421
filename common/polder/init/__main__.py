"""`python -m polder.init`, where manage.py is: prepares a Django project for events."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from polder.init import files, plan, steps
from polder.init.project import NoProject, Project
from polder.init.settings_file import NotUnderstood, Unfit

DESCRIPTION = """Prepares the Django project in this folder for events: settings, a Celery module,
and the stub of a contract. It shows what it would change, and changes it after a yes. What is there
already stays; a second run changes nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 also when nothing is to be done, or somebody says no to it."""
    options = _options(arguments)
    root = Path.cwd()
    try:
        project = plan.with_apps(Project.find(root, options.settings))
        service = plan.service_of(project, options.service)
        try:
            changes = plan.changes(
                project, service, options.publishes, options.replicates, options.contracts
            )
        except NotUnderstood as error:
            _say(f"{project.settings} is left alone: {error}.")
            _say("Run this again when it is otherwise, or add by hand:\n")
            _say(plan.by_hand(project, service))
            return 1
        if _carry_out(changes, root, options):
            _say(steps.left(service, options.publishes, options.replicates, options.contracts))
        return 0
    except (NoProject, Unfit, OSError) as error:
        _say(f"nothing is changed: {error}")
        return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m polder.init", description=DESCRIPTION)
    parser.add_argument("--settings", help="the settings module (default: what manage.py names)")
    parser.add_argument(
        "--service", type=_service, help="lower-case letters only (default: the project's name)"
    )
    parser.add_argument(
        "--publishes",
        metavar="APP.MODEL",
        nargs="+",
        action="extend",
        default=[],
        help="writes its contract, and makes an aggregate of it: books.Book",
    )
    parser.add_argument(
        "--replicates",
        metavar="OWNER.AGGREGATE",
        type=_aggregate,
        nargs="+",
        action="extend",
        default=[],
        help="writes a replica of it into the app of --contracts: bookshop.book",
    )
    parser.add_argument(
        "--contracts",
        metavar="APP=FILE",
        nargs="+",
        action="extend",
        default=[],
        help="copies a publisher's contracts into an app: reviews=../bookshop/books/contracts.py",
    )
    parser.add_argument("--yes", action="store_true", help="asks nothing")
    parser.add_argument("--dry-run", action="store_true", help="only shows")
    return parser.parse_args(arguments)


def _service(text: str) -> str:
    if not re.fullmatch("[a-z]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not lower-case letters only")
    return text


def _aggregate(text: str) -> str:
    if not re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a service and an aggregate")
    return text


def _carry_out(changes: Sequence[files.Change], root: Path, options: argparse.Namespace) -> bool:
    """Whether everything is as it should be now. Raises OSError."""
    for change in changes:
        _say(change.diff(root))
    if not changes:
        _say("There is nothing to change.")
    elif options.dry_run:
        return False
    elif options.yes or _agrees():
        files.write(changes)
    else:
        _say("nothing is changed")
        return False
    return True


def _agrees() -> bool:
    try:
        return input("Change it so? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        return False


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
