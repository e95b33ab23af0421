"""Whether the periodic jobs run, and what the housekeeper's last look at the broker found."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from polder.broker.models import BrokerDifference
from polder.broker.trouble import BLOCKS
from polder.conditions import Finding, condition, fail, ok, warn
from polder.consumer.jobs import job_states

SHOWN = 3


@condition("jobs", runbook="periodic-jobs")
def jobs() -> Finding:
    """A job that did not succeed for two of its turns, and five minutes."""
    overdue = [job for job in job_states() if job.is_overdue]
    if not overdue:
        return ok("every periodic job has run")
    ages = [job.age or 0.0 for job in overdue]
    told = "; ".join(
        f"{job.name} has not succeeded for {age:.0f} s"
        for job, age in zip(overdue, ages, strict=True)
    )
    return fail(f"periodic jobs are overdue: {told}", timezone.now() - timedelta(seconds=max(ages)))


@condition("broker-blocks", runbook="the-broker-blocks")
def broker_blocks() -> Finding:
    """As the relay that leads was told when it last had something to say."""
    if found := BrokerDifference.objects.filter(pk=BLOCKS).first():
        return fail(f"{BLOCKS}; what is new waits in the outbox", found.since)
    return ok("the broker takes what is published")


@condition("broker", runbook="the-broker-is-not-as-declared")
def broker() -> Finding:
    """As of the housekeeper's last look: a look that could not be made says nothing."""
    found = list(BrokerDifference.objects.exclude(pk=BLOCKS)[: SHOWN + 1])
    if found:
        more = " and more" if len(found) > SHOWN else ""
        return fail(
            "the broker is not as declared: "
            f"{'; '.join(one.sentence for one in found[:SHOWN])}{more}",
            found[0].since,
        )
    [job] = [one for one in job_states() if one.name == "broker"]
    if job.error:
        return warn("whether the broker is as declared could not be seen")
    return ok(
        "the broker is as declared" if job.succeeded_at else "nobody has looked at the broker yet"
    )
