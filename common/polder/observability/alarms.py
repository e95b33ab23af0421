"""Alarms where no Prometheus watches: what is wrong is told to a webhook and by mail, once, and its
end as well. Told twice, if a process ends between telling and writing that down."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from polder import this_service
from polder.conditions import State
from polder.consumer.models import Alarm
from polder.observability.peers import NoRedirect
from polder.observability.state import look_at_all
from polder.replication import freshness

ANSWERS_WITHIN = 5.0


class Wrong(NamedTuple):
    sentence: str
    runbook: str


def tell() -> dict[str, int]:
    """What was there at the look before, too, is told, and what has ended. Raises what the webhook
    and the mail server raise, once the other of them knows; who knows is not told again then."""
    wrong, known = _wrong(), list(Alarm.objects.all())
    names = {one.name for one in known}
    new = [Alarm(name=name, **one._asdict()) for name, one in wrong.items() if name not in names]
    Alarm.objects.bulk_create(new, ignore_conflicts=True)
    on, over = ([one for one in known if (one.name in wrong) is is_on] for is_on in (True, False))
    for alarm in on:
        alarm.sentence = wrong[alarm.name].sentence
    begun = [one for one in on if one.told_at is None]
    ended = [one for one in over if one.told_at is not None]
    webhook, mails = this_service.alarms_to()
    failed = _posted(webhook, begun, ended)
    if mails:
        _mail(mails, [one for one in on if not one.mailed], [one for one in over if one.mailed])
    if failed is not None:
        raise failed
    _of(over).delete()
    return {"begun": len(begun), "ended": len(ended)}


def _wrong() -> Mapping[str, Wrong]:
    found = {
        one.condition.name: Wrong(one.finding.sentence, one.condition.runbook)
        for one in look_at_all()
        if one.finding.state is not State.OK and one.condition.name != "behind"
    }
    each = freshness.late().items()  # each an alarm of its own
    return found | {f"behind {name}": Wrong(told, "events-that-wait") for name, told in each}


def _posted(webhook: object, begun: Sequence[Alarm], ended: Sequence[Alarm]) -> OSError | None:
    """Writes down what the webhook has heard; where there is none, what there was to hear."""
    if webhook and (begun or ended):
        service = this_service.name()
        alarms = [*_told("firing", begun), *_told("ended", ended)]
        lines = [*_lines("ALARM", begun), *_lines("ended", ended)]
        text = "\n".join(f"{service}: {line}" for line in lines)
        try:
            _post(webhook, {"service": service, "text": text, "alarms": alarms})
        except OSError as error:
            return error
    _of(begun).update(told_at=timezone.now())
    _of(ended).update(told_at=None)
    return None


def _mail(mails: list[str], begun: Sequence[Alarm], ended: Sequence[Alarm]) -> None:
    """Writes down what was mailed."""
    from django.core.mail import send_mail  # of no use to processes that tell nobody

    if lines := [*_lines("ALARM", begun), *_lines("ended", ended)]:
        subject = f"{this_service.name()}: {lines[0]}"
        # a subject is one line, and what went wrong may have said more
        send_mail(" ".join(subject.split())[:200], "\n".join(lines), None, mails)
    for alarms, mailed in ((begun, True), (ended, False)):
        _of(alarms).update(mailed=mailed)


def _of(alarms: Iterable[Alarm]) -> QuerySet[Alarm]:
    return Alarm.objects.filter(name__in=[one.name for one in alarms])


def _lines(what: str, alarms: Iterable[Alarm]) -> list[str]:
    return [
        f"{what} {one.name}: {one.sentence} (docs/operations.md#{one.runbook})" for one in alarms
    ]


def _told(state: str, alarms: Iterable[Alarm]) -> list[dict[str, str]]:
    return [
        {
            "name": one.name,
            "state": state,
            "sentence": one.sentence,
            "since": one.since.isoformat(),
            "runbook": f"docs/operations.md#{one.runbook}",
        }
        for one in alarms
    ]


def _post(url: object, body: Mapping[str, object]) -> None:
    """Raises OSError. A redirect is no success: who follows it asks there, and tells nothing."""
    request = urllib.request.Request(  # noqa: S310 (the deployer's own)
        str(url), json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    try:
        with opener.open(request, timeout=ANSWERS_WITHIN):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"the webhook answered {error.code}") from None
    except http.client.HTTPException as error:
        raise OSError(f"the webhook answers no HTTP: {error!r}") from None
