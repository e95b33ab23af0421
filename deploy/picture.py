"""docs/picture.svg, the whole on one page, drawn from the code: who subscribes to whom, who decides and who copies what.
`python -m deploy.picture` draws it; with --check it compares, as `make check` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from common.broker import names
from deploy.local.services import SERVICES
from deploy.portrait import Portrait, portrait
from deploy.strokes import STYLE, box, chips, line, text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "picture.svg"
LEFT, STEP, WIDTH = 16, 312, 304  # of the columns, one for each service
LANES = 420  # the y of the first publisher's lane
ROLES = ("web", "worker", "relay")


def drawing() -> str:
    people = [portrait(ROOT / f"{service}_service") for service in SERVICES]
    width = LEFT * 2 + STEP * len(people) - (STEP - WIDTH)
    told = "; ".join(f"{one.name} takes the events of {' and '.join(one.subscribes_to)}" for one in people)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 574" width="{width}" height="574" role="img" aria-labelledby="title desc">\n'
        f'<title id="title">Polder</title>\n<desc id="desc">Services with a database each, connected by RabbitMQ: {told}.</desc>\n'
        f"<!-- Drawn by python -m deploy.picture -->\n{STYLE}\n"
    )
    parts = [box(0.5, 0.5, width - 1, 573, "page", 12), box(LEFT, 284, width - 2 * LEFT, 274, "broker", 10)]
    parts += [text(LEFT + 16, 506, "RabbitMQ", "head"), text(LEFT + 16, 544, CAPTION, "soft")]
    parts += _lanes(people)
    for index, one in enumerate(people):
        parts += [*_service(one, LEFT + index * STEP), *_queues(one, LEFT + index * STEP)]
    return head + "\n".join(parts) + "\n</svg>\n"


CAPTION = "A fanout exchange for each publisher; a quorum queue for each subscriber and publisher. Nobody calls anybody."


def _service(one: Portrait, x: int) -> Iterator[str]:
    """Its database, its processes, and its exchange."""
    yield box(x, 16, WIDTH, 244, f"house {one.name}", 10)
    yield text(x + 16, 44, f"{one.name.capitalize()} service", "head")
    yield box(x + 12, 56, WIDTH - 24, 142, "inner", 6)
    yield text(x + WIDTH - 24, 76, "own PostgreSQL database", "soft end")
    yield text(x + 24, 76, "decides", "soft")
    yield chips(x + 20, 84, [(name, one.name) for name in one.owned])
    yield text(x + 24, 128, "replicas of what others decide", "soft")
    yield chips(x + 20, 136, [(name, owner) for name, owner in one.replicas])
    yield text(x + 24, 184, "outbox · ledger · parked events", "code")
    for number, role in enumerate(ROLES):
        yield box(x + 12 + number * 95, 212, 90, 32, "inner", 6)
        yield text(x + 57 + number * 95, 233, role, "name mid")
        yield line(f"M{x + 57 + number * 95} {'198V210' if role == 'relay' else '212V200'}", "wire")
    yield line(f"M{x + 262} 244V488", f"wire {one.name}")
    yield box(x + 164, 490, 128, 30, f"exchange {one.name}", 15)
    yield text(x + 228, 510, names.event_exchange(one.name), "code mid")


def _queues(one: Portrait, x: int) -> Iterator[str]:
    """Its queues, which its worker reads, and from each the way to the lane of its publisher."""
    yield box(x + 56, 298, 190, 14 + 36 * len(one.subscribes_to), "frame", 6)
    yield line(f"M{x + 152} 298V246", "wire")
    for number, publisher in enumerate(one.subscribes_to):
        y, lane = 310 + number * 36, _lane(publisher)
        yield box(x + 62, y, 178, 26, f"queue {publisher}", 4)
        yield text(x + 151, y + 17, names.event_queue(one.name, publisher), "code mid")
        beside = x + 44 - 12 * number
        yield line(f"M{beside} {lane}V{y + 13}H{x + 60}", f"wire {publisher}")
        yield f'<circle class="dot {publisher}" cx="{beside}" cy="{lane}" r="3.5"/>'


def _lanes(people: list[Portrait]) -> Iterator[str]:
    for index, one in enumerate(people):
        out = LEFT + index * STEP + 196
        ends = [out]
        for column, other in enumerate(people):
            if one.name in other.subscribes_to:
                ends.append(LEFT + column * STEP + 44 - 12 * other.subscribes_to.index(one.name))
        lane = _lane(one.name)
        yield line(f"M{min(ends)} {lane}H{max(ends)}", f"plain {one.name}")
        yield line(f"M{out} 490V{lane}", f"plain {one.name}")
        yield f'<circle class="dot {one.name}" cx="{out}" cy="{lane}" r="3.5"/>'


def _lane(publisher: str) -> int:
    return LANES + 20 * SERVICES.index(publisher)


def main() -> int:
    drawn = drawing()
    if "--check" in sys.argv:
        if not PICTURE.exists() or PICTURE.read_text() != drawn:
            print(f"docs/{PICTURE.name} is not what the code says; run: python -m deploy.picture")
            return 1
        return 0
    PICTURE.write_text(drawn)
    print(f"docs/{PICTURE.name} is drawn")
    return 0


if __name__ == "__main__":
    sys.exit(main())
