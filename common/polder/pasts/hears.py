"""What is done with questions and answers about the past, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from polder import this_service
from polder.broker.names import answer_queue, event_queue
from polder.direct.hearing import hears
from polder.direct.talk import say, waiting_in
from polder.pasts import owner, subscriber
from polder.pasts.copies import copies
from polder.pasts.messages import Answer, Copies, CopiesRequest, Question


@hears(Question)
def answer_questions(questions: Sequence[Question]) -> None:
    """Of each owner only the newest is answered: it asks for all that the ones before it did."""
    newest = {
        question.owner: question for question in sorted(questions, key=lambda one: one.question)
    }
    for question in newest.values():
        if question.owner in this_service.subscribes_to():
            say(
                answer_queue(question.owner), subscriber.answers(question, _waiting(question.owner))
            )


def _waiting(owner: str) -> int:
    """Its events that have not come to us yet."""
    return waiting_in([event_queue(this_service.name(), owner)])


@hears(CopiesRequest)
def answer_with_copies(requests: Sequence[CopiesRequest]) -> None:
    for request in requests:
        if request.owner in this_service.subscribes_to():
            say(answer_queue(request.owner), copies(request))


@hears(Copies)
def keep_copies(pages: Sequence[Copies]) -> None:
    for page in pages:
        owner.keep(page)


@hears(Answer)
def learn_from_answers(answers: Sequence[Answer]) -> None:
    for answer in answers:
        with transaction.atomic():
            owner.learn(answer)
