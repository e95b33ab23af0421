"""What is written into a project."""

from __future__ import annotations

import re
from collections.abc import Sequence

from polder.init.fields import Member
from polder.init.model import snake

APPS = (
    "polder.broker",
    "polder.outbox",
    "polder.consumer",
    "polder.inbox",
    "polder.replication",
)

HEADER = "# ---- added by python -m polder.init " + "-" * 59

CELERY = '''\
"""The service's Celery application; `manage.py worker | housekeeper | beat` start it."""

from polder.consumer.app import celery_app

app = celery_app()
'''

_STANDARD = {"decimal": "Decimal", "typing": "Annotated", "uuid": "UUID"}

_LIMITS = """"-c lock_timeout=10s -c statement_timeout=30s -c "
        "idle_in_transaction_session_timeout=60s"""


def installed(apps: Sequence[str], kind: type[list[str]] | type[tuple[str, ...]] | None) -> str:
    """`kind`: of which INSTALLED_APPS is, and stays; None where nobody knows."""
    if kind is list:  # which `+=` makes longer
        first, last = "INSTALLED_APPS += [", "]"
    else:
        opened, last = "()" if kind is tuple else "[]"
        first = f"INSTALLED_APPS = {opened}\n    *INSTALLED_APPS,"
    return "\n".join([first, *(f'    "{app}",' for app in apps), last])


def polder(service: str, celery_module: str | None) -> str:
    """`celery_module`: None where it is the default."""
    module = [f'    "CELERY_MODULE": "{celery_module}",'] if celery_module else []
    return "\n".join(
        [
            "POLDER = {",
            f'    "SERVICE": "{service}",  # lower-case letters only: every name in RabbitMQ '
            "begins with it",
            '    "AMQP_URL": os.environ.get(  # else for development, on this machine',
            f'        "{amqp_variable(service)}", "amqp://{service}:{service}@localhost:5672/"',
            "    ),",
            *module,
            "}",
        ]
    )


def database(*, has_options: bool) -> str:
    """`has_options`: the database may have some already, which stay, and of two of one name the
    later one counts."""
    kept, more = "", '"'
    if has_options:
        mine = 'DATABASES["default"].get("OPTIONS", {})'
        kept, more = f"{mine}\n    | ", f' "\n        + {mine}.get("options", "")'
    return f"""DATABASES["default"] |= {{
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
    # lock_timeout < statement_timeout < the time limit of a batch
    "OPTIONS": {kept}{{
        "options": {_LIMITS}{more}
    }},
}}"""


def amqp_variable(service: str) -> str:
    return f"{service.upper()}_AMQP_URL"


def contracts(service: str, model: str, members: Sequence[Member]) -> str:
    """A module of one aggregate."""
    return f'''\
"""What {service} says: the {model} aggregate. Whoever subscribes has the same file."""

from __future__ import annotations

{contract_imports(members)}

{contract(service, model, members)}'''


def contract(service: str, model: str, members: Sequence[Member]) -> str:
    """Of one aggregate."""
    name = snake(model)
    said = [_line(one) for one in members if one.name != "retired" or not one.type]
    lines = "".join(f"    {line}\n" for line in said) or (
        "    # What others may know of it, each with a type of polder.contracts.types.\n"
    )
    return f'''\
class {model}State(State):
    {name}_id: Key
    # All of it is public: take out what is nobody else's business.
{lines}
    @property
    def subject(self) -> str:
        return self.{name}_id


class {model}Event(Event):
    service = "{service}"
    aggregate = "{name}"
    data: {model}State


class {model}Added({model}Event):
    """It exists from now on."""


class {model}Changed({model}Event):
    """Something of its state changed."""
'''


def _line(member: Member) -> str:
    if not member.type:
        return (
            f"# {member.name} ({member.field}): say its type here and its value in public_state()"
        )
    return f"{member.name}: {member.type}" + (" = None" if "None" in member.type else "")


def contract_imports(members: Sequence[Member]) -> str:
    """What the types need, in order."""
    words = {word for one in members for word in re.findall(r"\w+", one.type)}
    ours = ", ".join(sorted({"Key", *(words & {"Count", "Date", "Text", "Timestamp"})}))
    standard = [
        f"from {module} import {name}\n" for module, name in _STANDARD.items() if name in words
    ]
    pydantic = ["from pydantic import Field\n"] if "Field" in words else []
    groups = [
        "".join(standard),
        "".join(pydantic),
        "from polder.contracts.event import Event, State\n"
        f"from polder.contracts.types import {ours}\n",
    ]
    return "\n".join(group for group in groups if group)
