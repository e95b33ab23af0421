"""What is left to do for a person."""

from __future__ import annotations

from polder.init import texts


def left(service: str, publishes: str | None, replicates: str | None) -> str:
    variable = texts.amqp_variable(service)
    steps = [f"Set {variable}: amqp://{service}:<a password that you choose>@<host>:5672/<vhost>"]
    if publishes:
        steps.append(_publisher(*publishes.rsplit(".", 1)))
    if replicates:
        steps.append(_subscriber(*replicates.split(".")))
    if not publishes and not replicates:
        steps.append(
            "Write a contract, or copy a publisher's: --publishes or --replicates says how"
        )
    steps += [
        "python manage.py makemigrations && python manage.py migrate",
        "RABBITMQ_MANAGEMENT_URL=http://<administrator>:...@<host>:15672 python manage.py topology",
        "python manage.py events",
    ]
    lines = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join(["What is left to do:", *lines])


def _publisher(app: str, model: str) -> str:
    return f"""In {app}/contracts.py, write down the state; in {app}/models.py:
       class {model}(Aggregate):  # polder.domain.aggregate
           contract = {model}Event
           def public_state(self) -> {model}State: ...
   and publish() an event with each change"""


def _subscriber(owner: str, aggregate: str) -> str:
    name = "".join(part.capitalize() for part in aggregate.split("_"))
    return f"""Copy the contracts.py of {owner} into an app, and in its models.py:
       class {name}(Replica, of="{owner}.{aggregate}"):  # polder.replication.replica
           ...  # a field for each member of the state that you want, by its name"""
