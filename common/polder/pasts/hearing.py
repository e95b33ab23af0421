"""What a worker does with the messages that are no events: questions and answers, each handled in a
transaction of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import transaction

from polder import this_service
from polder.broker.confirms import BROKER_ERRORS
from polder.broker.names import answer_queue, request_queue
from polder.faults import MOMENT, Fault, fault_of
from polder.inbox.delivery import Delivery
from polder.inbox.failures import TransientFailure
from polder.pasts import owner, subscriber
from polder.pasts.messages import Question, Unintelligible, read_answer, read_question
from polder.pasts.talk import say

log = logging.getLogger(__name__)


def hear(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Handles the questions and answers among them; returns the rest, which are events.

    Raises TransientFailure when the database is away. What fails otherwise is passed over and
    logged: a question is asked again within a minute, and the events beside it must not wait for
    that.
    """
    name = this_service.name()
    handlers = {request_queue(name): _hear_questions, answer_queue(name): _hear_answers}
    for queue, handle in handlers.items():
        if spoken := [delivery for delivery in deliveries if delivery.queue == queue]:
            _handle(handle, spoken)
    return [delivery for delivery in deliveries if delivery.queue not in handlers]


def _handle(handle: Callable[[Sequence[Delivery]], None], spoken: Sequence[Delivery]) -> None:
    try:
        handle(spoken)
    except BROKER_ERRORS as error:
        log.warning("what was asked could not be answered; it will be asked again: %r", error)
    except Exception as error:
        fault = fault_of(error)
        if fault in MOMENT:
            raise TransientFailure(str(error).strip(), fault) from error
        if fault is Fault.INTERRUPTED:
            raise
        log.exception("%d messages in %s are passed over", len(spoken), spoken[0].queue)


def _hear_questions(deliveries: Sequence[Delivery]) -> None:
    """Of each owner only the newest is answered: it asks for all that the ones before it did."""
    newest: dict[str, Question] = {}
    for delivery in deliveries:
        try:
            question = read_question(delivery)
        except Unintelligible as error:
            log.warning("a message in %s is passed over: %s", delivery.queue, error)
            continue
        if question.owner not in newest or newest[question.owner].question < question.question:
            newest[question.owner] = question
    for question in newest.values():
        if question.owner in this_service.subscribes_to():
            say(answer_queue(question.owner), subscriber.answers(question))


def _hear_answers(deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        try:
            answer = read_answer(delivery)
        except Unintelligible as error:
            log.warning("a message in %s is passed over: %s", delivery.queue, error)
            continue
        with transaction.atomic():
            owner.learn(answer)
