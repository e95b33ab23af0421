"""The shapes of answers, pydantic models, as components of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.drainage import set_override, warn
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from pydantic.json_schema import GenerateJsonSchema

COMPONENTS = "#/components/schemas/{model}"


class _AsAnswered(GenerateJsonSchema):
    """Every member of a shape is always sent, those with a default too; and a member's name needs no title to repeat it."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Shapes(OpenApiSerializerExtension):
    """As drf-spectacular's own for pydantic, besides what `_AsAnswered` says, and that two shapes of one name are a warning."""

    target_class = "pydantic.BaseModel"
    match_subclasses = True
    priority = 1

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        set_override(self.target, "suppress_collision_warning", True)  # it would compare instances, of which there are none
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = self.target.model_json_schema(ref_template=COMPONENTS, mode="serialization", schema_generator=_AsAnswered)
        for name, part in schema.pop("$defs", {}).items():
            component = ResolvedComponent(name, ResolvedComponent.SCHEMA, part, name)
            if component in auto_schema.registry and auto_schema.registry[component].schema != part:
                warn(f"there are two shapes named {name}")
            auto_schema.registry.register_on_missing(component)
        return schema
