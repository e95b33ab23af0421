from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps

from polder.domain.aggregate import StatefulAggregate
from polder.process.command import ServiceCommand


class Command(ServiceCommand):
    help = (
        "Draws the state machines of this service's aggregates, from the tables that the code and "
        "the database go by, as Mermaid in Markdown."
    )
    examples = ("manage.py order states",)

    def handle(self, *args: Any, **options: Any) -> None:
        for model in apps.get_models():
            if issubclass(model, StatefulAggregate):
                self.stdout.write(
                    f"### {model.__name__}\n\n```mermaid\n" + "\n".join(_diagram(model)) + "\n```\n"
                )


def _diagram(model: type[StatefulAggregate]) -> Iterator[str]:
    """A way leads into each state that an aggregate may be made in, and out of each that it stays
    in for good."""
    yield "stateDiagram-v2"
    for status in sorted(model.moves.initial):
        yield f"    [*] --> {status}: {model.event_of(status).__name__}"
    for status, targets in model.moves.table.items():
        for target in sorted(targets):
            yield f"    {status} --> {target}: {model.event_of(target).__name__}"
        if not targets:
            yield f"    {status} --> [*]"
