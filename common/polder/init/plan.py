"""What a project lacks, as changes of files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from polder.init import publishing, replicating, texts
from polder.init.files import Change, read
from polder.init.project import NoProject, Project
from polder.init.settings_file import NotUnderstood, Settings


def with_apps(project: Project) -> Project:
    """The settings module that has INSTALLED_APPS: that of the project, or one that it begins
    with."""
    with suppress(NotUnderstood):
        if not _settings(project).has_apps and (below := project.beneath()):
            return with_apps(below)
    return project


def service_of(project: Project, asked: str | None) -> str:
    """What the settings call it, or else what it is to be called. Raises NoProject."""
    said = ""
    with suppress(NotUnderstood):
        said = _settings(project).service
    if asked and said and asked != said:
        raise NoProject(f"the settings call the service {said!r} already")
    return said or asked or project.service()


def with_databases(project: Project) -> Project:
    """Where DATABASES is: in those settings, or in ones that begin with them; in those settings if
    it is nowhere."""
    above: Project | None = project
    while above and not _settings(above).has_databases:
        above = above.above
    return above or project


def _settings(project: Project) -> Settings:
    """Raises NotUnderstood."""
    try:
        return Settings.read(read(project.settings))
    except UnicodeDecodeError:
        raise NotUnderstood("it is not in UTF-8") from None


def _added(project: Project, settings: Settings, blocks: Sequence[str]) -> Change:
    text = "\n\n".join([texts.HEADER, *blocks])
    return Change(project.settings, settings.source, settings.with_block(text))


def changes(
    project: Project,
    service: str,
    publishes: Sequence[str] = (),
    replicates: Sequence[str] = (),
    contracts: Sequence[str] = (),
) -> list[Change]:
    """Nothing that is there already. Raises NotUnderstood, Unfit and NoProject."""
    settings, its = _settings(project), with_databases(project)
    for one in (settings, databases := _settings(its)):
        one.check_time_zone()
    celery = _celery(project, settings)
    blocks, database = _blocks(project, settings, service, celery), databases.database_block()
    if its is project and database:
        blocks.append(database)
    found = [_added(project, settings, blocks)] if blocks else []
    if its is not project and database:
        found.append(_added(its, databases, [database]))
    if celery and not celery.exists():
        found.append(Change(celery, None, texts.CELERY))
    found += publishing.changes(project, service, publishes)
    found += replicating.changes(project, contracts, replicates)
    paths = [change.path for change in found]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise NoProject(f"{twice[0]} would have two things in it: take another app for one of them")
    return found


def by_hand(project: Project, service: str) -> str:
    """The same, for somebody who pastes it."""
    celery, _ = _celery_places(project)
    module = f"{project.package}.{celery.stem}"
    its = project
    with suppress(NotUnderstood):
        its = with_databases(project)
    parts = [
        f"# {project.module}, which imports os",
        texts.installed(texts.APPS, None),
        texts.polder(service, module),
        *([] if its is project else [f"# {its.module}"]),
        texts.database(has_options=True),
        f"# {module}",
        texts.CELERY,
    ]
    return "\n\n".join(parts)


def _blocks(project: Project, settings: Settings, service: str, celery: Path | None) -> list[str]:
    blocks = []
    if apps := settings.missing_apps():
        blocks.append(texts.installed(apps, settings.apps_are))
    if not settings.has_polder:
        assert celery is not None
        is_usual = celery.name == "celery.py" and not project.above
        module = None if is_usual else f"{project.package}.{celery.stem}"
        blocks.append(texts.polder(service, module))
    return blocks


def _celery(project: Project, settings: Settings) -> Path | None:
    """Where the Celery application of the events is or is to be; a project that has one of its own
    keeps it. None where the settings name it."""
    if settings.has_polder and settings.says("CELERY_MODULE"):
        return None
    place, usual = _celery_places(project)
    if place != usual and settings.has_polder:
        raise NotUnderstood(f"{usual.name} is the project's own, and POLDER names no other")
    return place


def _celery_places(project: Project) -> tuple[Path, Path]:
    """Where it is to be, and where it usually is."""
    usual = project.settings.parent / "celery.py"
    if project.settings.name == "__init__.py":
        usual = project.settings.parent.parent / "celery.py"
    if usual.exists() and b"polder.consumer.app" not in usual.read_bytes():
        return usual.with_name("polder_celery.py"), usual
    return usual, usual
