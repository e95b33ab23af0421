"""The standing text of docs/performance.md: what is compared with what."""

HEAD = """\
# Performance

`make bench` measures the relay, the apply path, the lag from service to service and what the outbox costs a writer, each beside
the least code that one could write by hand for the same work, and beside the usual way. All programs work on the same PostgreSQL and
RabbitMQ, which are private, on the same machine, and sync to disk before they confirm (`fsync` on, quorum queues). They take turns:
ours, theirs, ours, theirs. **What counts is the ratio**: the median of the rounds' own ratios. The rates are those of one small machine
that carries servers and programs alike.
"""
REPEAT = """\
## How to repeat

```sh
make bench                                     # everything, about 20 minutes
make bench filter="lag write" count=3              # a part of it, in fewer rounds
make bench filter=story record=1               # the whole shop and its rivals, 12 minutes
make bench record=1 note="on an idle machine"  # kept in docs/performance/results.json; this page, its charts and README's figures written anew
```

Each run is kept as JSON in a folder of [benchmarks](../benchmarks) that is not checked in. `.venv/bin/python -m benchmarks --help` has all
options. This page is written from [performance/results.json](performance/results.json) by `python -m benchmarks.page`; `make check`
fails when it says anything else.
"""
STORY = """\
Customers order two lines each of 20 products. The shop takes the order, reserves the stock, confirms, and prepares the shipment; nobody
dispatches. After a warm-up, everything is counted from the first `POST` until the last effect is there: orders confirmed, stock and journal
written, shipments ready, and the copies of all that in the other services. When one is missing, there is no figure. Every contender has
PostgreSQL, RabbitMQ, one web process of 8 threads, and the same tables; the customers share the two cores, and their processor time is
told by itself. What each does not do:

- **By hand**: one statement for a request, a hand-written relay, and one statement for a batch with all of its effects, the ledger and what
  it publishes. No API keys, no idempotency of requests, no validation, no contracts; nothing is parked, one bad message stops it; no retries,
  no reconciling, no resync, no admin, no metrics, and each service's SQL knows this one story.
- **The usual way**: ModelSerializers, `transaction.on_commit`, and a Celery task for each event and subscriber. No outbox, so whoever is killed
  between commit and publish has lost its events; no ledger; no API keys, no idempotency of requests. Celery closes its database connection
  around every task, as it does by default; *connections kept* has the setting that few know. It takes orders faster than it confirms
  them, so in a closed loop its lag grows as long as customers order, which here is a part of the time.
- **The shop** does all that, with Flower, the housekeeping, the guard and the metrics of `make up` running.
"""
RELAY = """\
One process each empties an outbox of OrderCreated events, about 1,000 bytes each, into an exchange with one quorum queue. All mark a row only
after the broker has confirmed it. By hand, windows overlap, and there is no leader's lock, no held row and no reconnecting.
"""
APPLY = """\
Two processes each empty a queue of StockChanged events over 2,000 products into the ledger and a replica. No reconciler writes for
them, so all do the same work. By hand, the messages go to PostgreSQL unread, in one statement: nothing is validated, nothing is parked, one
bad message stops it. The usual way is a Celery task for each event, in the ORM's idioms, and gets a fiftieth of the events.
"""
LAG = """\
A writer publishes StockChanged at a steady rate, each in a transaction of its own; inventory's relay and order's worker take it to the
ledger and the replica. The lag is from the making of the event, inside the writer's transaction, to the commit of the subscriber's, as
PostgreSQL dates it (`track_commit_timestamp`: when the commit begins, before it is synced to disk). By hand: the same two programs as
above, told to look at the outbox every millisecond and to apply whatever is there. Events/s held: what the one writer came to, which is
less than it was asked for when the machine has too much to do.
"""
WRITE = """\
Each transaction inserts one order of three lines: the least that a use case can do, so the outbox weighs most. `publish()` makes and
validates the event by its contract and writes its row; by hand the JSON is put together without a contract and written with one INSERT
into the same table; by the ORM it is a row with a JSON column, as the usual outbox packages have it. One more statement that does
nothing (`SELECT 1`) shows what any statement of its own costs, before it writes a byte. The ways take turns of a quarter of
a second, all writers the same one. No relay runs meanwhile. The guard is on for `publish()` alone; without it shows what it costs. The
aim is 0.9 of the rate without an outbox.
"""
CAPACITY = """\
*Reasoned from what was measured above, but for the second table.* Six or seven events tell of an order, and a dozen of their deliveries are applied. What
it takes of each process says how many orders one core of it can carry, were there nothing else on that core, and what to add when it is full. Batches grow
with the load, so an order costs less the more there are (80 ms at 20 a second, 24 at 70, 13 at 140: [below](#where-it-loses-and-why)); these are the costs at the
highest load of this page.
"""
# Of each process of the story: what to add when a core of it is full.
GROW = {
    "postgres": "a server for each service's database; three share one here. Then cores for each",
    "order-web": "more web processes behind a proxy: they share nothing but the database",
    "inventory-worker": "`--concurrency`, or more workers, as far as orders touch other stock rows",
    "shipping-worker": "`--concurrency`, or more workers",
    "rabbitmq": "cores; it works on each queue by one of them at a time",
    "order-worker": "`--concurrency`, or more workers",
    "relay": "nothing: one leads in each service, the others stand by. It publishes as fast as *Relay* says",
}
SCALE = """\
One worker, and one queue as in *Apply*, by the processes in its pool:
"""
BEYOND = """\
A process more is worth it while a core is free for it, and a second worker on another machine is the same as more processes of one. What bends first is not
measured here, for it takes more than two cores: rows that many orders want. Two batches that touch the same stock row wait for each other, and after that
go one at a time for half a minute; 20 products here are wanted by everybody, in a shop of thousands they are not.

What was not measured either, and is to be expected: **a broker of three nodes** writes each message three times, and confirms when two have it on
disk, so a relay waits for one round trip more with each window of up to 500 events, and hardly publishes fewer; a queue still has one leader, so
leaders are to be spread over the nodes. **Services on machines of their own** share nothing but the broker: the lines of the table are then divided among machines,
and the round trips to a database of its own (10 to 15 for a batch) cost its network's time each; keep a service and its database in one place.
"""
