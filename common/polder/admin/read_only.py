"""The admin of what people may look at and only the code may write."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import OperationalError
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin

from polder.admin.columns import columns, linked
from polder.admin.lists import BoundedPaginator, ByKey
from polder.errors.faults import Fault, fault_of
from polder.observability.measures import limited

SHOWN_AT_MOST = 50_000  # characters
TABLE_ROWS = 200
# shown last
KEPT_BY_THE_CODE = {"version", "created_at", "updated_at", "content_hash", "synced_at"}
PRE = (
    "white-space: pre-wrap; overflow-wrap: anywhere; font-family: ui-monospace, monospace; "
    "font-size: 12px; line-height: 1.5"
)


NOT_HERE = (
    "The address asks for a filter, a value or a page that this list does not have: all of it is "
    "shown."
)


LIST_SECONDS = 5.0  # of one statement
TOO_LONG = (
    f"Looking for that took longer than {LIST_SECONDS:g} seconds, and was given up: all is shown. "
    "Ids are found at once; a filter may have to read everything."
)


class AskedFirst(ModelAdmin):
    """Who may not look is not told either whether a row is there."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django leads from an address that makes no sense to the whole list, in silence; to one
        that says so already and asks for more, it answers that the database must be broken."""
        if request.method == "GET" and ERROR_FLAG in request.GET and len(request.GET) > 1:
            asked = request.GET.copy()
            del asked[ERROR_FLAG]
            return HttpResponseRedirect(f"{request.path}?{asked.urlencode()}")
        if request.method == "GET" and ERROR_FLAG in request.GET:
            self.message_user(request, NOT_HERE, messages.WARNING)
        shown: HttpResponse = super().changelist_view(request, extra_context)
        return shown

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """A regular expression, say, would be tried on each row of a whole ledger. The text of an
        address is no list and no bytes."""
        name, _, _ = lookup.partition("__")
        _, _, how = lookup.rpartition("__")
        known = (lookup, "exact", "isnull", "isempty")  # the last is of our own filters
        if how not in known or name in _no_text(self.model):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *more: Any, **options: Any
    ) -> Any:
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError:
            raise BadRequest("what was selected is no key") from None
        return super().response_action(request, queryset, *more, **options)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown: HttpResponse = super().history_view(request, object_id, extra_context)
        return shown


class ReadOnlyAdmin(AskedFirst):
    """Lists, searches and shows; adds, changes and deletes nothing. JSON is shown indented."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_fullwidth = True
    sortable_by = ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What no index answers would read a whole ledger, and hold the process meanwhile."""
        if request.method == "POST":  # acts on rows
            return super().changelist_view(request, extra_context)
        try:
            with limited(LIST_SECONDS):
                return super().changelist_view(request, extra_context)
        except OperationalError as error:
            if fault_of(error) is not Fault.TOO_SLOW or not request.GET:
                raise
        self.message_user(request, TOO_LONG, messages.WARNING)
        return HttpResponseRedirect(request.path)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return columns(self.model, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        names = super().get_fields(request, obj)
        return list(dict.fromkeys(linked(self.model).get(name, name) for name in names))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *linked(self.model).values()]

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[Any]:
        return type("List", (ByKey, super().get_changelist(request, **options)), {})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """`=field` is looked up exactly, so that its index serves: Django would compare both sides
        in capitals, row by row. A field that cannot hold what was typed is left out. A key may
        begin or end with a space, and who copies one may add some."""
        found = Q(pk__in=[])
        for name in self.search_fields:
            if not name.startswith("="):
                found |= Q(**{f"{name}__icontains": search_term.strip()})
                continue
            for text in {search_term, search_term.strip()}:
                with suppress(ValidationError):
                    found |= Q(**{name[1:]: _field(self.model, name[1:]).to_python(text)})
        return (queryset.filter(found) if search_term.strip() else queryset), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _no_text(model: type[Model]) -> set[str]:
    kinds = ("ArrayField", "BinaryField", "JSONField")
    fields = model._meta.concrete_fields
    return {field.name for field in fields if field.get_internal_type() in kinds}


def _field(model: type[Model], path: str) -> Field[Any, Any]:
    """The field at the end of a path such as `product__product_id`."""
    *relations, last = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
    field = model._meta.get_field(last)
    assert isinstance(field, Field)
    return field


def pretty_json(value: Any) -> str:
    """Indented, in a block of its own; what is no JSON, or too deep for it, as it is."""
    try:
        shown = json.dumps(
            json.loads(value) if isinstance(value, str | bytes) else value,
            indent=2,
            ensure_ascii=False,
        )
    except (ValueError, RecursionError):
        shown = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    # a lone surrogate is no character
    shown = shown[:SHOWN_AT_MOST].encode(errors="backslashreplace").decode()
    return format_html('<pre style="{}">{}</pre>', PRE, shown)


def json_table(rows: Any) -> str:
    """A list of objects as people read it, such as an order's lines; all else as `pretty_json`."""
    is_table = isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)
    if not is_table or len(rows) > TABLE_ROWS:
        return pretty_json(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = format_html_join("", '<th class="pr-6 text-left">{}</th>', ((name,) for name in names))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        (
            (
                format_html_join(
                    "", '<td class="pr-6">{}</td>', ((_cell(row, one),) for one in names)
                ),
            )
            for row in rows
        ),
    )
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def _cell(row: dict[str, Any], name: str) -> str:
    value = row.get(name, "")
    return " ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def json_field(name: str) -> Any:
    """A method of a ModelAdmin that shows the JSON field `name` of the row."""

    @admin.display(description=name.replace("_", " "))
    def shown(self: object, row: Model) -> str:
        return json_table(getattr(row, name))

    return shown


def columns_of(model: type[Model]) -> list[str]:
    """What a list shows when nothing else is said: every field but JSON."""
    shown = [
        field.name
        for field in model._meta.concrete_fields
        if field.get_internal_type() not in ("JSONField", "ArrayField")
    ]
    return sorted(shown, key=lambda name: name in KEPT_BY_THE_CODE)


def with_pretty_json(
    base: type[ReadOnlyAdmin], model: type[Model], **options: Any
) -> type[ReadOnlyAdmin]:
    """A ModelAdmin of all the model's fields, JSON ones indented."""
    shown = sorted(
        (field.name for field in model._meta.concrete_fields),
        key=lambda name: name in KEPT_BY_THE_CODE,
    )
    documents = [
        field.name
        for field in model._meta.concrete_fields
        if field.get_internal_type() == "JSONField"
    ]
    methods = {f"pretty_{name}": json_field(name) for name in documents}
    fields = [f"pretty_{name}" if name in documents else name for name in shown]
    given = {
        "list_display": columns_of(model),
        "fields": [*fields, *options.pop("more_fields", ())],
        "readonly_fields": [*methods],
        **methods,
    }
    given["readonly_fields"] = [*methods, *options.pop("readonly_fields", ())]
    return type(f"{model.__name__}Admin", (base,), {**given, **options})
