"""What is left to do for a person."""

from __future__ import annotations

from polder.init import texts


def left(service: str, publishes: str | None, replicates: str | None, contracts: str | None) -> str:
    steps = []
    if publishes:
        steps.append(_publisher(*publishes.rsplit(".", 1)))
    if replicates:
        steps.append(_subscriber(*replicates.split("."), copied=bool(contracts)))
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
    return f"""In {app}/contracts.py, write down the state; in {app}/models.py:
       class {model}(Aggregate):  # polder.domain.aggregate
           contract = {model}Event
           def public_state(self) -> {model}State: ...
   and publish() an event with each change"""


def _subscriber(owner: str, aggregate: str, *, copied: bool) -> str:
    name = "".join(part.capitalize() for part in aggregate.split("_"))
    begin = "In the app's models.py:"
    if not copied:
        begin = f"Copy the contracts.py of {owner} into an app (--contracts), and in its models.py:"
    return f"""{begin}
       class {name}(Replica, of="{owner}.{aggregate}"):  # polder.replication.replica
           ...  # a field for each member of the state that you want, by its name"""
