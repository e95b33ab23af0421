"""What docs/performance.md and README's figures say, in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.drawings import count, family, number
from benchmarks.lag import RATES
from benchmarks.report import Result
from benchmarks.story.table import figure_rows, ratio_lines
from benchmarks.words import (
    APPLY,
    BEYOND,
    CAPACITY,
    GROW,
    HEAD,
    LAG,
    RELAY,
    REPEAT,
    SCALE,
    STORY,
    WRITE,
)


def page(results: Mapping[str, Result], found: str) -> str:
    parts = [
        HEAD,
        *_story(results),
        *_rates(results, "relay", "Relay", RELAY),
        *_rates(results, "apply", "Apply", APPLY),
        *_lag(results),
        *_write(results),
        *_capacity(results),
    ]
    parts += [found, *_made(results), REPEAT]
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part)


def figures(results: Mapping[str, Result]) -> str:
    """README's section: the main ratios."""
    rows = [
        *(
            ("the whole shop, orders to their last effect", *_short(results[name]))
            for name in ("story",)
            if name in results
        ),
        *(
            ("relay: outbox to a quorum queue, marked once confirmed", *_short(results[name]))
            for name in ("relay",)
            if name in results
        ),
        *(
            ("apply: quorum queue to ledger and replica", *_short(results[name]))
            for name in ("apply",)
            if name in results
        ),
        *(
            (f"lag at {number(lag.name)} events/s, median", *_short_lag(lag))
            for lag in family(results, "lag")
        ),
        *(
            (f"an order written with `publish()`, {count(number(one.name))}", *_short(one))
            for one in family(results, "write")
        ),
    ]
    noted: dict[str, list[str]] = {}
    for name, result in results.items():
        if result.made["note"]:
            noted.setdefault(str(result.made["note"]).rstrip("."), []).append(name)
    notes = "".join(f"\nMeasured {note}: {', '.join(names)}.\n" for note, names in noted.items())
    return (
        "## Figures\n\n`make bench` measures each beside the least code that does the same work "
        "on the same servers. What counts is the ratio;\n"
        "[docs/performance.md](docs/performance.md) has the charts, the rivals and the machine.\n\n"
        f"{_table(('', 'ours', 'beside it'), rows)}\n{notes}"
    )


def _short(result: Result) -> tuple[str, str]:
    beside = (f"{_times(result.ratio(rival, 'rate'))} *{rival}*" for rival in result.aims)
    return f"{result.median(result.ours, 'rate'):,.0f}/s", "; ".join(beside)


def _short_lag(result: Result) -> tuple[str, str]:
    rival = list(result.rounds)[1]
    return (
        f"{result.median(result.ours, 'p50'):.0f} ms (p99 {result.median(result.ours, 'p99'):.0f})",
        f"{result.median(rival, 'p50'):.0f} ms *{rival}*",
    )


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:.2f} of"


def _rates(results: Mapping[str, Result], name: str, title: str, told: str) -> Iterator[str]:
    if name not in results:
        return
    yield f"## {title}\n\n{told}"
    yield f"![{results[name].title}](performance/{name}.svg)"
    yield _rate_table(results[name])


def _story(results: Mapping[str, Result]) -> Iterator[str]:
    stories = [one for name, one in results.items() if name.startswith("story")]
    if not stories:
        return
    yield f"## The whole shop\n\n{STORY}"
    if "story" in results:
        yield f"![{results['story'].title}](performance/story.svg)"
    for one in stories:
        yield f"{one.title}:"
        yield _table(("", *one.rounds), figure_rows(one))
        yield "\n".join(f"- {line}" for line in ratio_lines(one))


def _write(results: Mapping[str, Result]) -> Iterator[str]:
    writes = family(results, "write")
    if not writes:
        return
    yield f"## Write cost\n\n{WRITE}"
    yield "![What the outbox costs a writer](performance/write.svg)"
    for one in writes:
        yield f"{one.title}:"
        yield _rate_table(one)


def _capacity(results: Mapping[str, Result]) -> Iterator[str]:
    if not {"story", "scale"} <= results.keys():
        return
    story, scale = results["story"], results["scale"]
    costs = {process: story.median(story.ours, f"ms of {process}") for process in GROW}
    yield f"## Capacity\n\n{CAPACITY}"
    yield _table(
        ("", "ms an order", "orders/s of one core", "when it is full, add"),
        (
            (process, f"{cost:.1f}", f"{1000 / cost:,.0f}", GROW[process])
            for process, cost in costs.items()
        ),
    )
    yield SCALE
    yield _table(
        ("", scale.unit, "each round", "of one process"),
        (
            (
                number,
                f"{scale.median(number, 'rate'):,.0f}",
                " ".join(f"{value:,.0f}" for value in scale.of(number, "rate")),
                f"{1 / scale.ratio(number, 'rate'):.2f}",
            )
            for number in scale.rounds
        ),
    )
    yield BEYOND


def _lag(results: Mapping[str, Result]) -> Iterator[str]:
    lags = family(results, "lag")
    if not lags:
        return
    yield f"## Lag\n\n{LAG}"
    if missing := [f"{rate}" for rate in RATES if rate not in [number(lag.name) for lag in lags]]:
        yield f"Not on record yet: the lag at {' and '.join(missing)} events/s."
    yield "![Lag from service to service](performance/lag.svg)"
    rows = [
        (
            f"{number(lag.name)}",
            contender,
            *(f"{lag.median(contender, figure):.1f}" for figure in ("p50", "p95", "p99")),
            f"{lag.median(contender, 'held'):.0f}",
            " ".join(f"{value:.1f}" for value in lag.of(contender, "p50")),
            "" if contender == lag.ours else f"{lag.ratio(contender, 'p50'):.2f} times it",
        )
        for lag in lags
        for contender in lag.rounds
    ]
    yield _table(
        ("events/s", "", "p50, ms", "p95", "p99", "events/s held", "p50 of each round", "ours is"),
        rows,
    )


def _rate_table(result: Result) -> str:
    rows = (
        (
            contender,
            f"{result.median(contender, 'rate'):,.0f}",
            " ".join(f"{value:,.0f}" for value in result.of(contender, "rate")),
            "" if contender == result.ours else f"{_times(result.ratio(contender, 'rate'))} it",
        )
        for contender in result.rounds
    )
    return _table(("", result.unit, "each round", "ours is"), rows)


def _made(results: Mapping[str, Result]) -> Iterator[str]:
    """When, on what: one row for all results that were made together."""
    if not results:
        return
    yield "## Measured on"
    together: dict[str, list[Result]] = {}
    for result in results.values():
        together.setdefault(str(result.made["at"]), []).append(result)
    for at, made_then in together.items():
        made = made_then[0].made
        rounds = len(made_then[0].rounds[made_then[0].ours])
        names = ", ".join(result.name for result in made_then)
        note = f" Measured {made['note'].rstrip('.')}." if made["note"] else ""
        machine = "; ".join(f"{what} {value}" for what, value in made["machine"].items())
        yield (
            f"{names}: medians of {rounds} interleaved rounds, {at[:10]}, commit "
            f"{made['commit']}.{note} {machine}."
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])
