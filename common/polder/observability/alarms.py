"""Alarms where no Prometheus watches: what is wrong is told to a webhook and by mail, once, and its
end as well. Told twice, if a process ends between telling and writing that down."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

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
    """What was there at the look before, too, is told. Raises what the webhook and the mail server
    raise, once the other of them knows; the webhook is told again then, and nobody is mailed
    twice."""
    wrong, known = _wrong(), {alarm.name: alarm for alarm in Alarm.objects.all()}
    new = [Alarm(name=name, **one._asdict()) for name, one in wrong.items() if name not in known]
    begun = [one for name, one in known.items() if name in wrong and one.told_at is None]
    over = [one for name, one in known.items() if name not in wrong]
    ended = [one for one in over if one.told_at is not None or one.mailed]
    for alarm in begun:
        alarm.sentence = wrong[alarm.name].sentence
    if begun or ended:
        _tell(begun, ended)
    Alarm.objects.bulk_create(new, ignore_conflicts=True)
    Alarm.objects.filter(name__in=[one.name for one in begun]).update(told_at=timezone.now())
    Alarm.objects.filter(name__in=[one.name for one in over]).delete()
    return {"begun": len(begun), "ended": len(ended)}


def _wrong() -> Mapping[str, Wrong]:
    found = {
        one.condition.name: Wrong(one.finding.sentence, one.condition.runbook)
        for one in look_at_all()
        if one.finding.state is not State.OK and one.condition.name != "behind"
    }
    each = freshness.late().items()  # each an alarm of its own
    return found | {f"behind {name}": Wrong(told, "events-that-wait") for name, told in each}


def _tell(begun: Sequence[Alarm], ended: Sequence[Alarm]) -> None:
    webhook, mails = this_service.alarms_to()
    failed: Exception | None = None
    heard = [one for one in ended if one.told_at is not None]
    if webhook and (begun or heard):
        service = this_service.name()
        alarms = [*_told("firing", begun), *_told("ended", heard)]
        lines = [*_lines("ALARM", begun), *_lines("ended", heard)]
        text = "\n".join(f"{service}: {line}" for line in lines)
        try:
            _post(webhook, {"service": service, "text": text, "alarms": alarms})
        except OSError as error:
            failed = error
    if mails:
        _mail(
            mails,
            [one for one in begun if not one.mailed],
            [one for one in ended if one.mailed],
        )
    if failed is not None:
        raise failed


def _mail(mails: list[str], begun: Sequence[Alarm], ended: Sequence[Alarm]) -> None:
    """Writes down what was mailed, so that a webhook that is away makes no flood of mails."""
    from django.core.mail import send_mail  # of no use to processes that tell nobody

    if lines := [*_lines("ALARM", begun), *_lines("ended", ended)]:
        subject = f"{this_service.name()}: {lines[0]}"[:200]
        send_mail(subject, "\n".join(lines), None, mails)
    for alarms, mailed in ((begun, True), (ended, False)):
        Alarm.objects.filter(name__in=[one.name for one in alarms]).update(mailed=mailed)


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


def _post(url: str, body: Mapping[str, object]) -> None:
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
