from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from polder import this_service
from polder.contracts import gate, markdown
from polder.contracts.examples import NoExample
from polder.contracts.exporting import differing, exported, write
from polder.contracts.published import Published, in_folder, in_git
from polder.process.command import ServiceCommand
from polder.reconcile.reads import reads


class Command(ServiceCommand):
    help = (
        "The contracts of this service as files: JSON Schema and an example of each version of "
        "each event, what the service reads of others, and one AsyncAPI document.\n"
        "`export` writes them, and refuses a change within a version that breaks somebody. "
        "`check` writes nothing, and fails when code and files differ or when such a change was "
        "made since the commit `--base`; it names the event, the member, who reads it, and the "
        "way out. `catalogue` prints what the files say as Markdown."
    )
    examples = (
        "manage.py order contracts export",
        "manage.py order contracts check --base origin/main",
    )
    # of a contract that breaks its own replicas this command has more to say
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["export", "check", "catalogue"])
        parser.add_argument(
            "--base", help="the commit to compare with; else the files that are there"
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="export a version anew that was never published, whatever it breaks",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        service, folder = this_service.name(), this_service.schemas()
        try:
            files = in_folder(folder)
            before = in_git(folder, options["base"]) if options["base"] else files
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["base"] and not before.schemas and files.schemas:
            where = f"{folder.name} was not there yet at {options['base']}, or is called otherwise"
            self.stdout.write(f"{where}: compared with the files that are there now")
            before = files
        if options["action"] == "catalogue":
            self.stdout.write(markdown.drawn(files, folder.name))
            return
        known = {**files.reads, service: reads()}
        found = [] if options["replace"] else gate.problems(service, before, files, known)
        for problem in found:
            self.stdout.write("\n".join(gate.shown(problem)))
        try:
            now = exported(files, service, known)
        except NoExample as error:
            broken = f"{_number(len(found))} would break somebody, and " if found else ""
            raise CommandError(f"{broken}{error}") from error
        if options["action"] == "export":
            self._export(folder, files, now, len(found))
        else:
            self._check(files, now, len(found))

    def _export(self, folder: Path, files: Published, now: Published, broken: int) -> None:
        if broken:
            raise CommandError(
                f"nothing is written: {_number(broken)} would break somebody. If this version was "
                "never published, --replace writes it anew."
            )
        names = write(folder, files, now)
        for name in names:
            self.stdout.write(f"wrote {folder / name}")
        self.stdout.write(f"{len(names)} files written")

    def _check(self, files: Published, now: Published, broken: int) -> None:
        names = list(differing(files, now))
        for name in names:
            self.stdout.write(f"✗ {name} is not as the code says")
        if names:
            export = this_service.command("contracts export")
            self.stdout.write(f"    Write the files: {export}")
        if broken or names:
            raise CommandError(
                f"{_number(broken)} would break somebody; {len(names)} files are not as the code "
                "says"
            )
        own = sum(version.service == this_service.name() for version in now.schemas)
        self.stdout.write(f"{own} versions of events, none broken; the files are as the code says")


def _number(broken: int) -> str:
    return f"{broken} change{'' if broken == 1 else 's'}"
