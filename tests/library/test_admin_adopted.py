"""docs/adopting.md: the operators' pages in a project that is none of ours, with Django's users and
with its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.library import test_init
from tests.library.test_init import init, manage
from tests.library.test_project_checks import append, found
from tests.library.test_tutorial import blocks
from tools.links import ROOT

USER = """\
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class Person(AbstractBaseUser, PermissionsMixin):
    login = models.CharField(max_length=50, unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = True
    USERNAME_FIELD = "login"
    objects = BaseUserManager()
"""
LOOK = """
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

user = get_user_model().objects.create(
    **{get_user_model().USERNAME_FIELD: "ada"}, is_staff=True, is_superuser=True
)
client = Client(HTTP_HOST="localhost")
client.force_login(user)
lists = (f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist" for m in admin.site._registry)
for name in ("admin:index", "admin-timeline", "admin-parked", "board", *lists):
    print(name, client.get(reverse(name)).status_code)
"""


made, project, database = test_init.made, test_init.project, test_init.database  # its fixtures


def read_page(folder: Path) -> None:
    for block in blocks((ROOT / "docs/adopting.md").read_text()):
        path = folder.parent / block.place.replace("bookshop", folder.name, 1)
        before = path.read_text() if block.how == "at its end" else ""
        path.write_text(before + block.text)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("own_users", [False, True])
def test_every_page_opens(project: Path, own_users: bool) -> None:
    init(project, "--yes")
    if own_users:
        (project / "books/models.py").write_text(USER)
        append(project, "AUTH_USER_MODEL = 'books.Person'\n")
        manage(project, "makemigrations", "books")
    read_page(project)
    manage(project, "migrate")

    assert found(project) == ""
    pages = manage(project, "shell", "-v0", "-c", LOOK).stdout.splitlines()
    assert len(pages) > 10
    assert [page for page in pages if not page.endswith(" 200")] == []


def test_what_the_pages_lack_is_named(project: Path) -> None:
    init(project, "--yes")
    append(project, "INSTALLED_APPS += ['polder.admin', 'polder.observability']\n")

    said = found(project)

    assert "(polder.E029) polder.admin is installed, and its templates are not found" in said
    assert "(polder.E030) polder.admin is installed, and its pages have no address" in said
