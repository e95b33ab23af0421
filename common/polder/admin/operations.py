"""What operators may do, each through a page that says what will happen, asks why, and reports
every row how it went."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action as unfold_action
from unfold.widgets import UnfoldAdminTextInputWidget

from polder.admin.audit import HELD, Asked, Result, carry_out
from polder.admin.read_only import ReadOnlyAdmin
from polder.plural import plural

MOST_AT_ONCE = 500
LISTED = 20  # rows named on the confirmation page
TOLD = 10  # failures told one by one
GONE = "gone, or no longer what this list shows: somebody else was quicker."

NOT_YOURS = "you may not begin what it does."


class ReasonForm(forms.Form):
    """Every operation is asked why; others add what they need."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept with your name in Operator actions.",
    )


@dataclass(frozen=True)
class Operation:
    """`run` takes the row and what the form was filled in with; it raises one of `errors` when it
    cannot be done."""

    name: str
    label: str
    explains: str
    run: Callable[[Any, Mapping[str, Any]], object]
    # "polder_inbox.redrive_parkedevent"; by the row's `action`, where that is what decides
    permission: str | Mapping[str, str]
    errors: tuple[type[Exception], ...]
    form: type[ReasonForm] = ReasonForm
    applies: Callable[[Any], bool] = lambda row: True  # whether the row's own page offers it
    icon: str = "play_arrow"
    for_more: str = "Narrow the list down."  # than are done at once

    @property
    def permissions(self) -> Collection[str]:
        return [self.permission] if isinstance(self.permission, str) else self.permission.values()

    def may(self, request: HttpRequest, row: Any = None) -> bool:
        """Whether who asks may do it to the row; without one, to some row."""
        if row is None or isinstance(self.permission, str):
            return any(request.user.has_perm(one) for one in self.permissions)
        return request.user.has_perm(self.permission[row.action])


class OperatedAdmin(ReadOnlyAdmin):
    """Offers its `operations` on the list, for the selected rows, and on each row's page."""

    operations: ClassVar[Sequence[Operation]] = ()
    change_form_show_cancel_button = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for operation in cls.__dict__.get("operations", ()):
            setattr(cls, f"operate_{operation.name}", _on_its_page(operation))
        cls.actions_detail = tuple(f"operate_{operation.name}" for operation in cls.operations)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        allowed = [operation for operation in self.operations if operation.may(request)]
        return {
            operation.name: (_on_the_list(operation), operation.name, operation.label)
            for operation in allowed
        }

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        row = self.get_object(request, unquote(str(object_id)))
        applying = {
            f"operate_{operation.name}"
            for operation in self.operations
            if row is not None and operation.applies(row) and operation.may(request, row)
        }
        return [
            action
            for action in super().get_actions_detail(request, object_id)
            if action.method.__name__ in applying
        ]

    def confirm(
        self,
        request: HttpRequest,
        operation: Operation,
        rows: Sequence[Model],
        form: forms.Form,
        return_to: str = "",
    ) -> HttpResponse:
        """The page that asks whether, and why. It posts to the list's action of the same name."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"{operation.label}: {_named(self, rows)}",
            "opts": self.model._meta,
            "operation": operation,
            "rows": rows[:LISTED],
            "more": max(0, len(rows) - LISTED),
            "button": f"{operation.label} {_counted(self, rows)}",
            "keys": [row.pk for row in rows],
            "drawn": _form_drawn(request) or uuid4(),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "form": form,
            "target": self._list_address(),
            "return_to": return_to or self._list_address(),
        }
        return TemplateResponse(request, "polder_admin/confirm.html", context)

    def perform(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Model], asked: Asked
    ) -> HttpResponse:
        results: list[tuple[str, Result]] = []
        waits = True  # for locks: so long for all together
        for row in rows:
            result = carry_out(
                lambda row: operation.run(row, asked.values),
                row,
                asked,
                errors=operation.errors,
                waits=waits,
            )
            waits = waits and result.error != HELD
            results.append((str(row), result))
        for level, text in _told(operation.label, results):
            self.message_user(request, text, level)
        return HttpResponseRedirect(self._return_address(request))

    def _list_address(self) -> str:
        meta = self.model._meta
        return reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_changelist")

    def _return_address(self, request: HttpRequest) -> str:
        given = request.POST.get("return_to", "")
        return (
            given
            if url_has_allowed_host_and_scheme(given, allowed_hosts=None)
            else self._list_address()
        )


def _on_its_page(operation: Operation) -> Any:
    @unfold_action(
        description=operation.label, url_path=operation.name.replace("_", "-"), icon=operation.icon
    )
    def ask(self: OperatedAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
        # Unfold's own `permissions` are looked up in the database by a system check, so before it
        # is migrated nothing would run.
        if not (operation.may(request) and self.has_view_permission(request)):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not operation.may(request, row):
            raise PermissionDenied
        meta = self.model._meta
        page = reverse(
            f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_change",
            args=[quote(row.pk)],
        )
        return self.confirm(request, operation, [row], operation.form(), return_to=page)

    ask.__name__ = f"operate_{operation.name}"
    return ask


def _on_the_list(
    operation: Operation,
) -> Callable[[OperatedAdmin, HttpRequest, QuerySet[Any]], HttpResponse | None]:
    def ask_or_perform(
        self: OperatedAdmin, request: HttpRequest, selected: QuerySet[Any]
    ) -> HttpResponse | None:
        if not operation.may(request):
            raise PermissionDenied
        rows = list(selected.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            self.message_user(
                request,
                f"More than {MOST_AT_ONCE} are selected. {operation.for_more}",
                messages.ERROR,
            )
            return None
        if gone := _gone(request, rows):
            self.message_user(request, gone, messages.WARNING if rows else messages.ERROR)
        if not rows:
            return None
        selected_rows, rows = rows, [row for row in rows if operation.may(request, row)]
        if not rows:
            raise PermissionDenied
        if left := len(selected_rows) - len(rows):
            are = plural(left, "row is", "rows are")
            self.message_user(request, f"{are} left out: {NOT_YOURS}", messages.WARNING)
        form, drawn = (
            operation.form(request.POST if "confirmed" in request.POST else None),
            _form_drawn(request),
        )
        if form.is_valid() and drawn:
            return self.perform(
                request,
                operation,
                rows,
                Asked(request.user.get_username(), operation.name, form.cleaned_data, drawn),
            )
        return self.confirm(request, operation, rows, form, request.POST.get("return_to", ""))

    return ask_or_perform


def _gone(request: HttpRequest, rows: Sequence[Model]) -> str:
    """What became of the rest of what was selected, while the list was looked at."""
    number = len(set(request.POST.getlist(ACTION_CHECKBOX_NAME))) - len(rows)
    if number <= 0 or request.POST.get("select_across", "0") != "0":
        return ""
    are = plural(number, "row that was selected is", "rows that were selected are")
    return f"{are} {GONE}"


def _form_drawn(request: HttpRequest) -> UUID | None:
    """Which page asked; None where no page has asked yet."""
    with suppress(ValueError):
        return UUID(request.POST.get("drawn", ""))
    return None


def _told(label: str, results: Sequence[tuple[str, Result]]) -> Iterator[tuple[int, str]]:
    """What the operator reads."""
    failed = [(shown, result) for shown, result in results if result.error]
    if again := sum(result.before for _, result in results):
        yield (
            messages.WARNING,
            (
                f"This form was sent before: nothing was done again for {again} of "
                f"{len(results)}; what follows tells how it went then. "
                "To do it once more, begin anew."
            ),
        )
    if done := len(results) - len(failed):
        yield messages.SUCCESS, f"{label}: {done} of {len(results)} done."
    for shown, result in failed[:TOLD]:
        yield messages.ERROR, f"{label} failed for {shown}: {result.error}"
    if len(failed) > TOLD:
        yield (
            messages.ERROR,
            f"... and for {len(failed) - TOLD} more; Operator actions has them all.",
        )


def _counted(admin: OperatedAdmin, rows: Sequence[Model]) -> str:
    meta = admin.model._meta
    return (
        f"this {meta.verbose_name}" if len(rows) == 1 else f"{len(rows)} {meta.verbose_name_plural}"
    )


def _named(admin: OperatedAdmin, rows: Sequence[Model]) -> str:
    return (
        str(rows[0]) if len(rows) == 1 else f"{len(rows)} {admin.model._meta.verbose_name_plural}"
    )
