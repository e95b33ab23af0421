"""What is left to do for a person."""

from __future__ import annotations

from collections.abc import Sequence

from polder.init import texts


def left(
    service: str, publishes: Sequence[str], replicates: Sequence[str], contracts: Sequence[str]
) -> str:
    steps = [_publisher(*one.rsplit(".", 1)) for one in publishes]
    if replicates:
        steps.append(_subscriber(replicates, copied=bool(contracts)))
    if not publishes and not replicates:
        steps.append(
            "Write a contract, or copy a publisher's: --publishes or --replicates says how"
        )
    steps += [
        f"""python manage.py events --prepare
   It takes a RabbitMQ on this machine. For another, set {texts.amqp_variable(service)} to
   amqp://{service}:<a password that you choose>@<host>:5672/<vhost>
   and RABBITMQ_MANAGEMENT_URL to http://<administrator>:...@<host>:15672"""
    ]
    lines = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join(["What is left to do:", *lines])


def _publisher(app: str, model: str) -> str:
    return f"""{app}.{model}: see that {model}State in contracts.py says what others may know, and
   that the model is an Aggregate with this contract and says its public_state(). Then publish()
   an event with each change: `python manage.py adopt {app}.{model}` finds who writes it"""


def _subscriber(replicates: Sequence[str], *, copied: bool) -> str:
    if copied:
        return "In the app's models, keep of each replica those fields that you want"
    of = ", ".join(f'class {_named(one)}(Replica, of="{one}")' for one in replicates)
    return f"""Copy the publisher's contracts.py into an app: --contracts app=<file>, which also
   writes into the app's models: {of}"""


def _named(aggregate: str) -> str:
    return "".join(part.capitalize() for part in aggregate.partition(".")[2].split("_"))
