"""Classes and registrations by which a framework writes the model: forms, serializers, views, the
admin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from polder.adopting.known import is_about, is_form, says
from polder.adopting.names import Names, dotted
from polder.adopting.places import Kind

BY_CALL = {
    "modelform_factory": Kind.FORM,
    "modelformset_factory": Kind.FORM,
    "inlineformset_factory": Kind.FORM,
    "register": Kind.ADMIN,
}
VIEWS = ("CreateView", "UpdateView", "DeleteView", "ViewSet", "APIView")
READ_ONLY = ("ReadOnlyModelViewSet", "ListAPIView", "RetrieveAPIView")


def declarations(names: Names, tree: ast.Module) -> Iterator[tuple[ast.AST, Kind]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            if kind := _of_class(names, node):
                yield node, kind
        elif isinstance(node, ast.Call):
            called = dotted(node.func)
            kind = BY_CALL.get(called.rpartition(".")[2])
            if kind is Kind.ADMIN and not called.endswith(("site.register", "admin.register")):
                continue
            if kind and any(_is_or_has(names, one) for one in node.args):
                yield node, kind


def _of_class(names: Names, node: ast.ClassDef) -> Kind | None:
    bases = [dotted(base).rpartition(".")[2] for base in node.bases]
    if says(names, node, "model") and any(base.endswith("Inline") for base in bases):
        return Kind.ADMIN
    is_view = any(base.endswith(VIEWS) and not base.endswith(READ_ONLY) for base in bases)
    if is_view and is_about(names, node):
        return Kind.VIEW
    if is_form(names, node) and not any("Filter" in base or "Factory" in base for base in bases):
        is_serializer = any("Serializer" in base for base in bases)
        return Kind.SERIALIZER if is_serializer else Kind.FORM
    return None


def _is_or_has(names: Names, node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple):
        return any(names.is_model(one) for one in node.elts)
    return names.is_model(node)
