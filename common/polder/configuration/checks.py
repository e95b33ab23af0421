"""Django's system checks of the configuration: what is said when every command of a service
starts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from os import PathLike
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from polder import this_service
from polder.configuration.nodes import WrongAddress, node_urls
from polder.process.starts import STARTS

_A_YEAR = 31_536_000  # seconds
_RANGES: Mapping[str, tuple[float, float]] = {
    "WEEKS_KEPT": (4, 1040),
    "REPUBLISH_WEEKS": (1, 1040),
    "CONSUMER_TIMEOUT": (5, _A_YEAR),
    "AUDIT_EVERY": (0, _A_YEAR),
    "DEEP_AUDIT_EVERY": (0, _A_YEAR),
    "LAG_BUDGET": (0, 10),
    "PARKED_DAYS": (1, 36_500),
    "DECIDED_DAYS": (1, 36_500),
    "RECORDS_DAYS": (1, 36_500),
    "TOMBSTONES_DAYS": (1, 36_500),
    "ANSWERS_HOURS": (24, 8_760),
}
_WHOLE = ("WEEKS_KEPT", "REPUBLISH_WEEKS")  # partitions are of a week

_GUARDS = ("refuse", "report", "off")
_ADDRESSES = ("ALARM_WEBHOOK", "MANAGEMENT_URL", "TRACES_URL")
_SEVERAL = ("ALARM_MAIL", "CONTRACTS", "UNREAD_VARIABLES")
_FOLDERS = ("RUN_DIR", "SCHEMAS")


@register(STARTS)
def nobody_reads(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Variables with the service's prefix that nothing obeys."""
    hint = (
        "docs/configuration.md lists what is read. Take it out of the environment, or give it "
        "another beginning."
    )
    return [
        Warning(f"{name} is set, and nobody reads it.", hint, id="polder.W001")
        for name in this_service.unread_variables()
    ]


@register(STARTS)
def settings_are_legal(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """`POLDER` in the settings: what it lacks, what nobody reads, what is out of range."""
    return [Error(problem, id="polder.E023") for problem in _problems(this_service.said())]


@register(Tags.security, deploy=True)
def password_is_secret(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """What `python -m polder.init` writes for development has the service's name as password."""
    url = this_service.said().get("AMQP_URL", "")
    name = this_service.said().get("SERVICE", "")
    if f"{name}:{name}@" not in url:
        return []
    problem = "The password in POLDER['AMQP_URL'] is the service's name."
    return [Warning(problem, "Choose one, and run `topology` again.", id="polder.W003")]


def _problems(said: Mapping[str, Any]) -> Iterator[str]:
    known = {*this_service.NEEDED, *this_service.DEFAULTS}
    for key in sorted(said.keys() - known):
        like = difflib.get_close_matches(key, known, 1)
        yield f"POLDER['{key}'] is read by nobody{f'; {like[0]} is' if like else ''}."
    for key in sorted(this_service.NEEDED - said.keys()):
        yield f"POLDER['{key}'] is missing."
    if "AMQP_URL" in said and (problem := _of_address(said["AMQP_URL"])):
        yield f"POLDER['AMQP_URL'] {problem}."
    if said.get("TRACES_URL") and not _can_trace():
        yield (
            "POLDER['TRACES_URL'] is set, and OpenTelemetry is not installed: "
            "pip install 'django-polder[traces]'."
        )
    service = said.get("SERVICE", "a")
    if not (isinstance(service, str) and re.fullmatch("[a-z]+", service)):
        yield (
            f"POLDER['SERVICE'] is {service!r}, no name for a service: use lower-case letters only."
        )
    if (guard := said.get("GUARD", "refuse")) not in _GUARDS:
        yield f"POLDER['GUARD'] is {guard!r}; it has to be one of {', '.join(_GUARDS)}."
    yield from _of_other_kinds(said)
    for key, (low, high) in _RANGES.items():
        value, is_whole = said.get(key, low), key in _WHOLE
        if not _is_number(value, low, high, is_whole=is_whole):
            kind = "a whole number " if is_whole else ""
            yield f"POLDER['{key}'] is {value!r}; it has to be {kind}from {low:g} to {high:g}."


def _of_other_kinds(said: Mapping[str, Any]) -> Iterator[str]:
    for key in _ADDRESSES:
        if said.get(key) and not re.match(r"https?://[^/\s]", str(said[key])):
            yield f"POLDER['{key}'] does not begin with http:// or https:// and a host."
    for key in _SEVERAL:
        if not _are_texts(said.get(key, [])):
            yield f"POLDER['{key}'] is {said[key]!r}; it has to be a list of texts."
    for key in _FOLDERS:
        if not isinstance(said.get(key, ""), str | PathLike):
            yield f"POLDER['{key}'] is {said[key]!r}; it has to be a folder."
    jobs = said.get("JOBS", {})
    if not isinstance(jobs, Mapping):
        yield f"POLDER['JOBS'] is {jobs!r}; it has to be a dict of seconds by the name of a task."
        return
    for name, every in jobs.items():
        if not isinstance(name, str):
            yield f"POLDER['JOBS'] names {name!r}; it has to be the name of a task."
        if not _is_number(every, 1, _A_YEAR, is_whole=True):
            yield (
                f"POLDER['JOBS'] says {every!r} of {name!r}; it has to be a whole number of "
                f"seconds between runs, from 1 to {_A_YEAR}."
            )


def _is_number(value: object, low: float, high: float, *, is_whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return low <= value <= high and not (is_whole and isinstance(value, float))


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _of_address(url: object) -> str | None:
    try:
        node_urls(str(url))
    except WrongAddress as error:
        return str(error)
    return None


def _can_trace() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ModuleNotFoundError:  # one of the packages that it is in
        return False
