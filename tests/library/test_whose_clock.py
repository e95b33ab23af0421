"""Moments that the database compares with its own clock are by that clock, and by no host's."""

from __future__ import annotations

from django.apps import apps
from django.db import models

FOREIGN = ("auth", "admin", "contenttypes", "sessions")


def test_no_row_is_dated_by_a_host_s_clock() -> None:
    fields = [
        field
        for model in apps.get_models()
        if model._meta.app_label not in FOREIGN
        for field in model._meta.concrete_fields
        if isinstance(field, models.DateField | models.DateTimeField)
    ]

    assert len(fields) > 20
    assert [str(field) for field in fields if field.auto_now or field.auto_now_add] == []
