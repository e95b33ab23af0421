"""Effects: what an event leads to outside of the databases: a mail, a webhook, another's API.

    @effect(on=OrderShipped, key=lambda event: event.subject, body=shipped_mail)
    def mail_that_it_shipped(key: str, body: Mapping[str, Any]) -> None:
        send_mail(key, body)

in a module `effects` of an installed app. In the transaction that publishes the event, or applies
it when it is another service's, an intent is written down: one for each key, with its body. The
housekeeper carries it out afterwards, outside of any transaction: at least once, always with that
key, before which the service and the effect are named, and that body. So the receiver can tell a
repetition by the key.
"""

from polder.effects.declared import Effect, GiveUp, effect

__all__ = ["Effect", "GiveUp", "effect"]
