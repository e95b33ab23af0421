"""The two commands, and what makes them impossible."""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.services import SERVICES
from tools.each_service import is_named
from tools.new_service import kept, writing
from tools.new_service.clashes import clashes
from tools.new_service.errors import NotPossible
from tools.new_service.names import camel, followed, names
from tools.new_service.writing import ROOT

LONGEST = 20  # of a name: indexes are called by it
RESERVED = {
    *("admin", "auth", "contenttypes", "messages", "sessions", "staticfiles"),  # apps of Django
    *("unfold", "shop"),
    *("all", "broker", "flower", "postgres", "prepare", "rabbitmq", "secrets"),  # containers
    *("common", "deploy", "polder", "schemas", "system", "tests", "tools"),
}
WRITTEN = """\
{service} is written: {service}_service, common/contracts/{service}.py, and what is derived of them.
Say what it decides in rules.py and models/owned.py, keep of models/replicas.py what it needs. Then:
    make migrations contracts
    .venv/bin/python -m tests {service}
    make check
    make up\
"""
REMOVED = "{service} is removed from the code."
LEFT = """\
The shop keeps all of that, and its queues go on filling. To delete it:
    .venv/bin/python manage.py remove-service {service} --data"""
DELETED = "What the shop kept of {service} is deleted."


def main(command: str, arguments: Sequence[str]) -> int:
    """Runs `new-service` or `remove-service`; the status to exit with."""
    try:
        print(_COMMANDS[command](arguments))
    except NotPossible as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    return 0


def new_service(arguments: Sequence[str]) -> str:
    options = _new_parser().parse_args(arguments)
    service, owned = options.name, options.owns or options.name
    _check_name(service)
    _check_owned(owned)
    _check_tools()
    aggregates = [followed(one) for one in dict.fromkeys(options.replicates)]
    models = [one.model for one in aggregates]
    for model in [camel(owned), *models]:
        if [camel(owned), *models].count(model) > 1:
            raise NotPossible(
                f"Two of its models would be called {model}. Call what it decides something else: "
                "--owns invoice. Of two aggregates of one name it can replicate one."
            )
    used = names(service, owned, aggregates)
    if twice := clashes(writing.texts(service, used).values()):
        raise NotPossible(
            f"In what is written {' and '.join(twice)} would be two things. Call what it decides "
            "something else: --owns invoice."
        )
    try:
        writing.write(service, used)
        writing.list_services([*SERVICES, service])
        writing.derive(service)
    except BaseException:
        writing.erase(service)
        writing.list_services(SERVICES)
        raise
    return WRITTEN.format(service=service)


def remove_service(arguments: Sequence[str]) -> str:
    options = _remove_parser().parse_args(arguments)
    service = options.name
    is_there = service in SERVICES
    may_have_been = re.fullmatch("[a-z]+", service) and service not in RESERVED
    found = kept.kept(service) if is_there or (options.data and may_have_been) else ""
    if not is_there and not found:
        traces = ", and no shop that runs here keeps anything of it" if options.data else ""
        raise NotPossible(
            f"There is no service {service}; there are {', '.join(SERVICES)}{traces}."
        )
    if not is_there and isinstance(found, str):
        raise NotPossible(found)
    if is_there:
        _remove_code(service, found, yes=options.yes)
    told = [REMOVED.format(service=service)] if is_there else []
    return "\n".join([*told, *_remove_kept(service, found, options)])


def _remove_code(service: str, found: kept.Kept | str, *, yes: bool) -> None:
    if used := sorted(_users_of(service)):
        more = f" and {len(used) - 5} more" if len(used) > 5 else ""
        raise NotPossible(f"Others need {service}: {', '.join(used[:5])}{more}. Change them first.")
    if not yes and not _agrees(f"Delete {service}_service and its contracts?"):
        raise NotPossible("nothing is deleted.")
    if isinstance(found, kept.Kept):
        kept.stop(service, found.stack)  # else it would be started again without its code
    writing.erase(service)
    rest = [one for one in SERVICES if one != service]
    writing.list_services(rest)
    writing.derive(rest[0])


def _remove_kept(
    service: str, found: kept.Kept | str, options: argparse.Namespace
) -> Iterator[str]:
    if isinstance(found, str):
        if found:
            yield found
        return
    if not found:
        return
    print(f"The shop that runs here has of {service}:")
    print("\n".join(f"    {line}" for line in found.lines()))
    if not (options.data and options.yes) and (
        (options.yes and not options.data) or not _agrees("Delete all of it?")
    ):
        yield LEFT.format(service=service)
        return
    found.delete()
    yield DELETED.format(service=service)


def _agrees(question: str) -> bool:
    """Nobody does where there is no terminal."""
    with suppress(EOFError):
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    return False


def _users_of(service: str) -> Iterator[str]:
    """Files of others that name what is its own."""
    needs = re.compile(rf"\b{service}_service\b|common\.contracts\.{service}\b|\bof=.{service}\.")
    own = (writing.folder_of(service), writing.contract_of(service))
    for path in ROOT.glob("[!.]*/**/*.py"):
        if own[0] not in path.parents and path != own[1] and needs.search(path.read_text()):
            yield str(path.relative_to(ROOT))


def _check_name(service: str) -> None:
    if not re.fullmatch("[a-z]+", service) or keyword.iskeyword(service) or len(service) > LONGEST:
        raise NotPossible(
            f"{service!r} is no name for a service: up to {LONGEST} lower-case letters, as every "
            "name in RabbitMQ begins with it, and no word of Python."
        )
    if service in RESERVED or (service not in SERVICES and is_named(service)):
        raise NotPossible(f"Something else is called {service} here. Choose another name.")
    taken = [
        path.relative_to(ROOT)
        for path in (writing.folder_of(service), writing.contract_of(service))
        if path.exists()
    ]
    if service in SERVICES or taken:
        there = f": {', '.join(map(str, taken))} is there" if taken else ""
        raise NotPossible(f"The name {service} is taken{there}. Choose another.")


def _check_owned(owned: str) -> None:
    is_name = re.fullmatch("[a-z]+(_[a-z]+)*", owned) and not keyword.iskeyword(owned)
    if not is_name or keyword.iskeyword(camel(owned)) or len(owned) > LONGEST:
        raise NotPossible(
            f"{owned!r} is no name for what it decides: like invoice, or credit_note."
        )


def _check_tools() -> None:
    if not (Path(sys.executable).parent / "ruff").exists():
        raise NotPossible(
            "This needs the tools of developers: sh deploy/local/venv.sh requirements-dev.txt, "
            "then .venv/bin/python manage.py new-service ..."
        )


def _new_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="manage.py new-service",
        description="Writes a service of the same shape as the others, which keeps copies of what "
        "others own and decides something about each row of the first.",
        epilog="Example: manage.py new-service billing --replicates order.order inventory.product",
    )
    parser.add_argument("name", help="lower-case letters")
    parser.add_argument(
        "--replicates",
        nargs="+",
        required=True,
        metavar="service.aggregate",
        help="what it keeps copies of; of the first it has one of its own for each",
    )
    parser.add_argument("--owns", metavar="name", help="what it decides; the service's own name")
    return parser


def _remove_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="manage.py remove-service",
        description="Undoes new-service: deletes the service's folder, contracts and schemas, and "
        "writes anew what is derived from the list of services. Of a shop that runs here it stops "
        "the service, and says and asks about what the shop keeps of it.",
        epilog="Example: manage.py remove-service billing --data --yes",
    )
    parser.add_argument("name")
    parser.add_argument("--yes", action="store_true", help="without asking; keeps the data")
    parser.add_argument(
        "--data",
        action="store_true",
        help="its database and all it has in RabbitMQ, too, also when the code is gone already",
    )
    return parser


_COMMANDS = {"new-service": new_service, "remove-service": remove_service}
