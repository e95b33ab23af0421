"""Rules by which an aggregate follows what others decided: one table, from which come both what one
aggregate does next and the queries that find what is overdue.

    RULES = Rules(
        Order,
        {"reservation": Reservation, "shipment": Shipment},
        Rule(OrderStatus.PENDING, OrderStatus.CONFIRMED, reservation=ReservationStatus.HELD),
        Rule(OrderStatus.PENDING, OrderStatus.REJECTED, reservation=ReservationStatus.REJECTED),
        Rule(OrderStatus.CONFIRMED, OrderStatus.SHIPPED, shipment=[DISPATCHED, DELIVERED]),
    )

A table is read from top to bottom: the first rule counts that has the aggregate's own status and
the upstream statuses. An aggregate and what it follows share their key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from polder.domain.aggregate import StatefulAggregate
from polder.reconcile.looking_back import looks_back_to
from polder.replication.replica import Replica

ABSENT = None  # the own status of an aggregate that is not there yet
SHOULD_HAVE_MOVED = timedelta(seconds=60)

Statuses = frozenset[str]
rules_of: dict[type[StatefulAggregate], Rules] = {}  # of the models that follow such a table
When = Mapping[str, Statuses]


class Rule:
    """`own` becomes `then` when each upstream that is named has one of the statuses named.

    `needs` names what only the code that carries out the rule can tell. While it is not so, the
    aggregate becomes `otherwise`, or waits when that is None; no later rule is asked.
    """

    def __init__(
        self,
        own: str | None,
        then: str,
        *,
        needs: str = "",
        otherwise: str | None = None,
        **when: str | Collection[str],
    ) -> None:
        self.own, self.then, self.needs, self.otherwise = own, then, needs, otherwise
        self.when: When = {
            name: frozenset([statuses] if isinstance(statuses, str) else statuses)
            for name, statuses in when.items()
        }

    def __repr__(self) -> str:
        when = " and ".join(f"{name} {sorted(self.when[name])}" for name in self.when)
        return f"{self.own or 'absent'} -> {self.then} when {when}"


class Rules:
    """The rules of `model`, and the replicas that they name.

    `over` names upstream statuses that stay for good. An absent aggregate is looked for among those
    in their first hours only, for else the search would grow with the past. It begins with the
    first upstream that a rule names, so that one needs an index.
    Raises ValueError for a move that the model's state machine does not have.
    """

    def __init__(
        self,
        model: type[StatefulAggregate],
        upstream: Mapping[str, type[Replica]],
        *rules: Rule,
        over: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.model, self.upstream, self.rules = model, upstream, rules
        self.over = {name: frozenset(statuses) for name, statuses in (over or {}).items()}
        self._by_own: dict[str | None, list[Rule]] = {}
        for rule in rules:
            self._check(rule)
            self._by_own.setdefault(rule.own, []).append(rule)
        rules_of[model] = self

    def _check(self, rule: Rule) -> None:
        moves = self.model.moves
        legal = moves.initial if rule.own is ABSENT else moves.table[rule.own]
        if rule.then not in legal or not rule.when or rule.when.keys() - self.upstream.keys():
            raise ValueError(f"no rule of {self.model.__name__}: {rule}")

    def find(self, own: str | None, **upstream: str | None) -> Rule | None:
        """The rule for an aggregate of that status, given the upstream statuses as they are known
        here: None for what nothing was heard of."""
        for rule in self._by_own.get(own, ()):
            if all(upstream[name] in statuses for name, statuses in rule.when.items()):
                return rule
        return None

    def waits_for(self, own: str, **upstream: str | None) -> dict[str, Statuses]:
        """By upstream, the statuses of which any one would let a rule move an aggregate of that
        status, all else staying as it is."""
        found: dict[str, Statuses] = {}
        for rule in self._by_own.get(own, ()):
            unmet = [name for name, statuses in rule.when.items() if upstream[name] not in statuses]
            if len(unmet) == 1:
                [name] = unmet
                found[name] = found.get(name, frozenset()) | rule.when[name]
        return found

    def overdue(self) -> list[QuerySet[Any]]:
        """Rows whose keys are those of the aggregates for which there has been a rule for a
        minute; also while they wait for what the rule needs."""
        return [
            query
            for own in self._by_own
            for when in self._merged(own)
            for query in (self._absent(when) if own is ABSENT else [self._present(own, when)])
        ]

    def _merged(self, own: str | None) -> list[When]:
        """What moves an aggregate of that status: rules that look at one upstream are one, and one
        that looks at more is left out when those find it all."""
        found: list[When] = [rule.when for rule in self._by_own[own]]
        alone: dict[str, Statuses] = {}
        for name, statuses in (pair for when in found if len(when) == 1 for pair in when.items()):
            alone[name] = alone.get(name, frozenset()) | statuses
        together = [
            when
            for when in found
            if len(when) > 1
            and not any(statuses <= alone.get(name, frozenset()) for name, statuses in when.items())
        ]
        return [*({name: statuses} for name, statuses in alone.items()), *together]

    def _present(self, own: str, when: When) -> QuerySet[Any]:
        conditions = [self._exists(name, statuses) for name, statuses in when.items()]
        return self.model._base_manager.filter(*conditions, Q(status=own))

    def _absent(self, when: When) -> Iterator[QuerySet[Any]]:
        (first, statuses), *rest = when.items()
        is_absent = ~Exists(self.model._base_manager.filter(pk=OuterRef("pk")))
        conditions = [self._exists(name, others) for name, others in rest]
        over = self.over.get(first, frozenset())
        if under_way := statuses - over:
            yield self._heard(first, under_way).filter(is_absent, *conditions)
        if ended := statuses & over:
            heard = self._heard(first, ended).filter(synced_at__gt=looks_back_to())
            yield heard.filter(is_absent, *conditions)

    def _heard(self, name: str, statuses: Statuses) -> QuerySet[Any]:
        """One that came in the future came before the clock was set back."""
        just_now = (Now() - SHOULD_HAVE_MOVED, Now())
        replicas = self.upstream[name]._base_manager
        return replicas.filter(Q(status__in=sorted(statuses)), ~Q(synced_at__range=just_now))

    def _exists(self, name: str, statuses: Statuses) -> Exists:
        return Exists(self._heard(name, statuses).filter(pk=OuterRef("pk")))
