"""The runbooks as a page of the admin: what is wrong leads to what to do, also where nothing but
the service itself can be reached."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from polder.conditions import anchor_of

SOURCE = Path(__file__).with_name("operations.md")  # of the docs


@require_safe
def runbooks(request: HttpRequest) -> HttpResponse:
    """`#anchor`: of a heading."""
    context = {**admin.site.each_context(request), "title": "Runbooks", "page": _page()}
    return TemplateResponse(request, "polder_admin/runbooks.html", context)


@cache
def _page() -> SafeString:
    """Of our own file, without its pictures and its links to other files."""
    reader = MarkdownIt().enable("table")
    _, _, text = SOURCE.read_text().partition("\n")  # the title, which the page has already
    tokens = reader.parse(text)
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(content.content))
        for one in token.children or ():
            _keep_here(one)
    return mark_safe(str(reader.renderer.render(tokens, reader.options, {})))  # noqa: S308


def _keep_here(token: Token) -> None:
    target = str(token.attrGet("href") or "")
    if token.type == "image":
        token.type, token.content = "text", ""
    elif token.type == "link_open" and not target.startswith(("#", "http")):
        token.attrs = {}
