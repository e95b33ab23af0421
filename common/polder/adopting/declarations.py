"""Classes and registrations by which a framework writes the model: forms, serializers, views, the
admin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

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
    if _says(names, node, "model") and any(base.endswith("Inline") for base in bases):
        return Kind.ADMIN
    is_view = any(base.endswith(VIEWS) and not base.endswith(READ_ONLY) for base in bases)
    if is_view and (_says(names, node, "model") or _says(names, node, "queryset")):
        return Kind.VIEW
    for inner in node.body:
        if (
            isinstance(inner, ast.ClassDef)
            and inner.name == "Meta"
            and _says(names, inner, "model")
        ):
            if any("Filter" in base or "Factory" in base for base in bases):
                return None
            is_serializer = any("Serializer" in base for base in bases)
            return Kind.SERIALIZER if is_serializer else Kind.FORM
    return None


def _says(names: Names, node: ast.ClassDef, attribute: str) -> bool:
    """`model = Book`, `queryset = Book.objects.all()`."""
    for one in node.body:
        if isinstance(one, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == attribute for target in one.targets
        ):
            return names.is_model(one.value) or names.is_manager_of(one.value)
    return False


def _is_or_has(names: Names, node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple):
        return any(names.is_model(one) for one in node.elts)
    return names.is_model(node)
