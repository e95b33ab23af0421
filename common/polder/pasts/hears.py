"""What is done with questions and answers about the past, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from polder import this_service
from polder.broker.names import answer_queue
from polder.direct.hearing import hears
from polder.direct.talk import say
from polder.pasts import owner, subscriber
from polder.pasts.messages import Answer, Question


@hears(Question)
def answer_questions(questions: Sequence[Question]) -> None:
    """Of each owner only the newest is answered: it asks for all that the ones before it did."""
    newest = {
        question.owner: question for question in sorted(questions, key=lambda one: one.question)
    }
    for question in newest.values():
        if question.owner in this_service.subscribes_to():
            say(answer_queue(question.owner), subscriber.answers(question))


@hears(Answer)
def learn_from_answers(answers: Sequence[Answer]) -> None:
    for answer in answers:
        with transaction.atomic():
            owner.learn(answer)
