"""What the admin adds to a service's settings: the looks of the admin, with a colour for each
service so that tabs are told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

HUES = {"order": 255, "inventory": 155, "shipping": 50}  # degrees in OKLCH: blue, green, orange
OTHER_HUE = 300
SHADES = {  # lightness in per cent, chroma
    "50": (97.7, 0.014),
    "100": (94.6, 0.033),
    "200": (90.2, 0.063),
    "300": (82.7, 0.1),
    "400": (71.4, 0.13),
    "500": (65.5, 0.15),
    "600": (52.0, 0.14),
    "700": (46.0, 0.13),
    "800": (40.0, 0.11),
    "900": (35.0, 0.09),
    "950": (27.0, 0.07),
}


def _favicon(hue: int) -> str:
    """A disc of the service's colour, in the page itself: without one a browser asks for
    /favicon.ico, which is not there."""
    disc = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='4' "
        f"fill='oklch(62% .15 {hue})'/></svg>"
    )
    return f"data:image/svg+xml,{quote(disc)}"


def _static(path: str) -> Callable[[object], str]:
    def address(request: object) -> str:
        from django.templatetags.static import static  # templates: no settings module needs them

        return static(path)

    return address


def admin_settings(service: str) -> dict[str, Any]:
    hue = HUES.get(service, OTHER_HUE)
    return {
        "LOGIN_REDIRECT_URL": "admin:index",
        "UNFOLD": {
            "SITE_TITLE": f"Polder: {service}",
            "SITE_HEADER": service.capitalize(),
            "SITE_SUBHEADER": "Polder",
            "SITE_SYMBOL": "water",
            "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon(hue)}],
            "SITE_URL": "/api/docs/",
            "STYLES": [_static("polder_admin/polder.css")],
            "SCRIPTS": [_static("polder_admin/polder.js")],
            "SHOW_HISTORY": False,
            "SHOW_VIEW_ON_SITE": False,
            "COLORS": {
                "primary": {
                    shade: f"oklch({lightness}% {chroma} {hue})"
                    for shade, (lightness, chroma) in SHADES.items()
                }
            },
            "DASHBOARD_CALLBACK": "polder.admin.overview.overview",
            "SIDEBAR": {
                "show_search": False,
                "show_all_applications": False,
                "navigation": "polder.admin.sidebar.navigation",
            },
        },
    }
