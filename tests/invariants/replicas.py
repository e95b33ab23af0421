"""Every copy equals its owner, row by row (I8), and none has fallen back (I9)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.blackbox.comparison import compare
from tests.blackbox.copies import COPIES, SUBSCRIPTIONS
from tests.invariants.look import Look
from tests.invariants.violation import Violation

_REGRESSED = (
    "SELECT aggregate, count(*) FROM polder_replication_regression WHERE closed_at IS NULL GROUP "
    "BY aggregate"
)

Versions = dict[tuple[str, str], dict[str, int]]  # by subscriber and aggregate: of each row


def equal(look: Look, versions: Versions) -> Iterator[Violation]:
    """`versions` as they were at the last look; they are brought up to now."""
    for copy in COPIES:
        compared = compare(look.shop, copy)
        kept = compared.kept
        about = (copy.subscriber, copy.aggregate)
        fallen = [
            key
            for key, version in versions.get(about, {}).items()
            if key not in kept or int(kept[key][1]) < version
        ]
        if fallen:
            yield Violation(
                "I9",
                copy.subscriber,
                f"{len(fallen)} of {copy.aggregate} have fallen back, such as {fallen[0]}",
            )
        versions[about] = {key: int(row[1]) for key, row in kept.items()}
        look.count("I8", "rows of replicas", len(kept))
        different = compared.differences
        for _, key, owned, replica in different[:3]:
            detail = (
                f"{len(different)} of {copy.aggregate} differ; {key}: owner {owned}, replica "
                f"{replica}"
            )
            yield Violation("I8", copy.subscriber, detail)


def of_one_past(look: Look) -> Iterator[Violation]:
    """I9 nobody's past came back: restored from a backup, it says again what others know to be
    old.
    """
    for service in SUBSCRIPTIONS:
        fenced = look.shop.rows(
            service,
            "SELECT aggregate, key, known_version, reported_by FROM polder_outbox_fenced WHERE "
            "lifted_at IS NULL ORDER BY id",
        )
        if fenced:
            aggregate, key, version, reported_by = fenced[0]
            example = f"such as version {version} of {aggregate} {key}, which {reported_by} has"
            yield Violation(
                "I9",
                service,
                f"its past came back: others know {len(fenced)} of its aggregates better, "
                f"{example}",
            )
        for aggregate, number in look.shop.rows(service, _REGRESSED):
            yield Violation(
                "I9",
                service,
                f"{number} of {aggregate} are known here at newer versions than their owner "
                "sends: its past came back",
            )


def undrifted(look: Look) -> Iterator[Violation]:
    """I8 no drift was found; of a shop that has lived, none that is not fixed."""
    sql = (
        "SELECT count(*) FROM "
        f"polder_replication_drift{' WHERE repaired_at IS NULL' if look.lived else ''}"
    )
    for subscriber in SUBSCRIPTIONS:
        [[drift]] = look.shop.rows(subscriber, sql)
        if drift:
            yield Violation("I8", subscriber, f"{drift} drift records")
