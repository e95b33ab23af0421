"""Runs drawn by a seed: the simulation and the fuzzing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.reliability.results import Result, table

NOT_COUNTED = {"commit", "at", "seed"}


def simulation(runs: Sequence[Result]) -> str:
    """Raises KeyError when a result lacks what the page tells of."""
    told = (
        f"{sum(run.get('runs', 0) for run in runs):,} runs are on record"
        if runs
        else "No run is on record"
    )
    rows = (
        (f"{run['seed']}", f"{run.get('runs', 0):,}", _counted(run), str(run["commit"]))
        for run in runs
    )
    return f"""\
## Simulation

`make simulation count=200 seed=1`: Hypothesis drives the real contracts, merge and reconcilers of the three services, over real
databases and a wire made of lists, through steps of its own choice: orders, cancels, receipts, dispatches, and deliveries that are
repeated, reordered, held back, interleaved and crashed half-way. Each run ends with every invariant; a failing one is shrunk to its
shortest form. {told}.

{table(("seed", "runs", "what was done", "commit"), rows)}
"""


def fuzz(runs: Sequence[Result]) -> str:
    """Raises KeyError when a result lacks what the page tells of."""
    told = (
        f"{sum(run['sent'] for run in runs):,} messages are on record"
        if runs
        else "No run is on record"
    )
    head = (
        "seed",
        "messages",
        "outcomes",
        "orders beside",
        "lost",
        "worst lag",
        "memory: a quarter",
        "the end",
        "commit",
    )
    return f"""\
## Fuzzing

`make fuzz count=100000 seed=1`: so many messages made by breaking real events (bits, pieces, members, values, types, headers) go straight
into a service's queue, a thousand at a time, while orders flow. Every one has to be accounted for (parked as unreadable, or counted as
a duplicate where only what does not matter was broken), no good event lost or later than five seconds, no process dead, the memory of
the worker and its children flat after the first quarter. {told}.

{table(head, (_fuzzed(run) for run in runs))}
"""


def _fuzzed(run: Result) -> tuple[str, ...]:
    outcomes = ", ".join(f"{number:,} {name}" for name, number in run["outcomes"].items())
    memory = (f"{run[name] / 1024:.0f} MB" for name in ("memory_quarter", "memory_end"))
    return (
        f"{run['seed']}",
        f"{run['sent']:,}",
        outcomes,
        f"{run['orders']:,}",
        f"{run['lost']}",
        f"{run['worst_lag']:.2f} s",
        *memory,
        run["commit"],
    )


def _counted(run: Result) -> str:
    counted: Iterable[tuple[str, int]] = (
        (name, number) for name, number in run.items() if name not in NOT_COUNTED and name != "runs"
    )
    return ", ".join(f"{number:,} {name}" for name, number in counted)
