"""What the page says beside the tables."""

from __future__ import annotations

HEAD = """\
# Reliability

What was done to the services while they worked, and what came of it. `python -m tests.chaos.report` writes this page from the result
files in [reliability/](reliability), and `make check` fails when it says anything else than they do. Each command below repeats what
its table reports; with `record=1` it adds to the results, together with the commit that ran (a `+` behind it: with changes). The files
keep the newest two results of each thing, and the totals of all.

Every run of a fault, a storm or a soak is a whole shop: PostgreSQL, RabbitMQ, and web, worker, relay, housekeeper and beat of three
services. Customers order and cancel, a warehouse dispatches and delivers, a merchant receives stock and changes prices, before, during
and after the fault. Then everything has to come to rest in time, and all [invariants](invariants.md) have to hold. **A run in
which one event was lost, or took effect twice, is a failed run**; the fault tables list only runs in which all held. What failed was
fixed; the end of the page reports what was found that way.
"""
FAULTS = """\
## Faults

`make chaos kind=faults` injects each of these faults into a shop at work, one after the other; `filter=broker` chooses by name,
`count=5` repeats each, `full=1` lets each last as long as it says here (without it, those of 30 s and more are shortened).
{runs} runs are on record.
In flight: the most events that were under way when the fault was injected. Lost, doubled: events that never took effect, or did so
twice. Again: deliveries of events that had been applied before, all of which changed nothing. Recovery: the worst time from the
end of the fault until everything was at rest, in seconds. Runs and again count all runs, the rest the newest two.

"""
FAILPOINTS = """
## Failpoints

`make chaos kind=faults filter=crash`. A failpoint is a named place in the code, armed by a file. In each run the next process that
comes to it is killed with SIGKILL, then another is paused there for 2 s, then another fails there with an exception, in services
drawn by the seed: **{actions} injections a run**. {runs} runs are on record, which is {injections} injections.

"""
SET_BACK = """
## Set back by a backup

`make chaos kind=faults filter=set-back`. While orders flow, a service's database, or those of two, is replaced by a copy of so many
seconds before; nothing may act on what was forgotten; then `manage.py <service> restored`. Seconds from the start of the services' processes
until the last of them knew what it had forgotten, and from the command until all was healed. Afterwards nothing has left twice, no
order that was accepted is missing, and all agree. Of the newest two runs:

"""
STORM = """\
## Storms

`make chaos kind=storm minutes=10 seed=1`: faults drawn by the seed are injected every 5 to 10 seconds, a quarter of the time two at
once, while orders, cancels, receipts, dispatches, deliveries and product changes go on; then rest, then every invariant. {runs} storms
are on record, {minutes:g} minutes with {faults:g} injections. The newest:

"""
SOAK = """\
## Soak

`make soak minutes=30`: a ramp finds the highest rate of orders that the machine carries with everything on it, the customers included;
that rate (or `rate=`) is then held. Every order is placed, reserved, prepared, dispatched and delivered. Judged: the memory (PSS) of
each process in the last third of the time against the second third, connections, lag from the making of an event to its being applied,
the backlog; then every invariant. {note}

"""
MUTATION = """\
## Planted bugs

`make mutation` plants one bug at a time into a copy of the code. It runs a whole shop of the copy under load, injects a fault, waits
for rest and asks the checker; or, for a bug that shows at one moment only, it runs the test that watches that moment.
A bug counts as caught only by the invariant or the test that has to catch it. After: how many events the shop had committed when
the checker was asked, or how many tests were run.

One more is on the list of I17 and cannot be planted yet: a repair that is skipped at an equal version, for there is no repair to skip.

"""
SIMULATION = """\
## Simulation

`make chaos kind=simulation count=200 seed=1`: Hypothesis drives the real contracts, merge and reconcilers of the three services, over
real databases and a wire made of lists, through steps of its own choice: orders, cancels, receipts, dispatches, and deliveries that
are repeated, reordered, held back, interleaved and crashed half-way. Each run ends with every invariant; a failing one is shrunk to its
shortest form. {runs:,.0f} runs are on record.

"""
FUZZ = """\
## Fuzzing

`make chaos kind=fuzz count=100000 seed=1`: so many messages made by breaking real events (bits, pieces, members, values, types,
headers) go straight into a service's queue, a hundred at a time, while orders flow. Every one has to be accounted for (parked as
unreadable, or counted as a duplicate where only what does not matter was broken), no good event lost or late, no process dead, the
memory of the worker and its children flat after the first quarter. {sent:,.0f} messages are on record, a
thousand at a time.

"""
NOT_INJECTED = """\
## Not injected

| fault | why |
|---|---|
| power loss | kill -9 leaves the page cache alone, so it cannot show a missing fsync. Nothing here says that a power cut loses nothing |
| every fault on RabbitMQ 4.x | on 4.0.5 ran those whose row says so, all of `make test`, and 5,000 mutants; nothing else |
| a cluster on several machines | its three nodes are on one: a pause there is a stopped process, a cut is a rule of its firewall |
"""
