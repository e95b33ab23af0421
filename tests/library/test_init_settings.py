"""What `python -m polder.init` makes of settings, however they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.library.test_init import SETTINGS, init


def written(folder: Path, settings: str, *arguments: str) -> str:
    """What becomes of these settings."""
    (folder / "bookshop").mkdir(exist_ok=True)
    path = folder / "bookshop/settings.py"
    path.write_bytes(settings.encode())
    done = init(folder, "--settings", "bookshop.settings", "--yes", *arguments)
    assert done.returncode == 0, done.stdout
    return path.read_bytes().decode()


def executed(settings: str) -> dict[str, Any]:
    """The names that are bound in them."""
    names: dict[str, Any] = {}
    exec(settings, names)  # noqa: S102
    return names


@pytest.mark.parametrize("apps", ['("books",)', 'list(dict.fromkeys(["books"]))', "[*['books']]"])
def test_however_the_apps_are_written(tmp_path: Path, apps: str) -> None:
    after = written(tmp_path, SETTINGS.replace('["books"]', apps))

    assert list(executed(after)["INSTALLED_APPS"][:2]) == ["books", "polder.broker"]
    assert written(tmp_path, after) == after  # once more


def test_lists_put_together_of_others_are_understood(tmp_path: Path) -> None:
    settings = SETTINGS.replace(
        'INSTALLED_APPS = ["books"]',
        'OURS = ["books", "polder.broker"]\nINSTALLED_APPS = OURS + []',
    )

    after = written(tmp_path, settings)

    assert after.startswith("import os\nfrom pathlib")
    assert after.count('"polder.broker"') == 1
    compile(after, "settings", "exec")


@pytest.mark.parametrize("added", ['INSTALLED_APPS + ["reviews"]', '["reviews"] + INSTALLED_APPS'])
def test_apps_that_are_added_to_themselves(tmp_path: Path, added: str) -> None:
    listed = 'INSTALLED_APPS = ["books"]\n'
    settings = SETTINGS.replace(listed, f"{listed}INSTALLED_APPS = {added}\n")

    after = written(tmp_path, settings)

    assert {"books", "reviews", "polder.broker"} < {*executed(after)["INSTALLED_APPS"]}
    assert written(tmp_path, after) == after  # once more


@pytest.mark.parametrize(("opened", "closed"), ["()", "[]"])
def test_settings_that_build_on_these_find_the_apps_of_the_same_type(
    tmp_path: Path, opened: str, closed: str
) -> None:
    after = written(tmp_path, SETTINGS.replace('["books"]', f'{opened}"books",{closed}'))

    production = f'{after}\nINSTALLED_APPS = {opened}"sentry",{closed} + INSTALLED_APPS\n'
    assert list(executed(production)["INSTALLED_APPS"][:2]) == ["sentry", "books"]


def test_options_and_line_ends_stay(tmp_path: Path) -> None:
    settings = SETTINGS.replace('"NAME"', '"OPTIONS": {"sslmode": "require"}, "NAME"')

    after = written(tmp_path, settings.replace("\n", "\r\n"))

    assert after.count("\n") == after.count("\r\n")
    options = executed(after)["DATABASES"]["default"]["OPTIONS"]
    assert options["sslmode"] == "require"
    assert "lock_timeout=10s" in options["options"]


@pytest.mark.parametrize("given", ['{"default": MINE}', '{"default": {**MINE}}', None])
def test_options_of_the_session_stay(tmp_path: Path, given: str | None) -> None:
    options = '"OPTIONS": {"options": "-c search_path=ours"}, '
    settings = SETTINGS.replace('"NAME"', f'{options}"NAME"')
    if given:
        settings = f"{settings}MINE = DATABASES['default']\nDATABASES = {given}\n"

    session = executed(written(tmp_path, settings))["DATABASES"]["default"]["OPTIONS"]["options"]

    assert session.startswith("-c lock_timeout=10s ")
    assert session.endswith(" -c search_path=ours")


@pytest.mark.parametrize(
    "head", ['"""Ours."""\n', "from __future__ import annotations\n", "# Ours.\n", ""]
)
def test_os_is_imported_where_it_may_be(tmp_path: Path, head: str) -> None:
    settings = SETTINGS.replace("from pathlib import Path\n", "")

    after = written(tmp_path, head + settings)

    assert after.startswith(f"{head}import os\n")
    compile(after, "settings", "exec")
