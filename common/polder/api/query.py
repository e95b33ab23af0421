"""The query of a request: the parameters that its handler names, each once and with a value."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from polder.api.documented import Documented
from polder.api.pagination import ByKey

OF_A_LIST = {ByKey.cursor_query_param, ByKey.page_size_query_param}
NOT_UTF8 = "\ufffd"  # what Django makes of bytes that it cannot read


class WholeNumber(serializers.IntegerField):
    """Plain digits; `int()` would also read `1_0` and those of other scripts."""

    def to_internal_value(self, data: float | str) -> int:
        if not re.fullmatch("-?[0-9]+", str(data)):
            self.fail("invalid")
        return int(super().to_internal_value(data))


def check_query(request: Request, said: Documented) -> None:
    """Raises ValidationError, by parameter: what is ignored would be taken for obeyed."""
    known = known_parameters(said)
    wrong = {
        name: error
        for name, values in request.query_params.lists()
        if (error := _error(name in known, values))
    }
    if wrong:
        raise ValidationError({name: [error] for name, error in wrong.items()})


def known_parameters(said: Documented) -> set[str]:
    filters = OF_A_LIST | set(said.filters.base_filters) if said.filters else set()
    return filters | set(said.query().fields if said.query else ())


def _error(known: bool, values: Sequence[str]) -> str:
    if not known:
        return "There is no such parameter."
    if len(values) > 1:
        return "It may be given once."
    if not values[0].strip():  # as filters strip it
        return "It is empty: give it a value, or leave it out."
    return "It is not UTF-8." if NOT_UTF8 in values[0] else ""
