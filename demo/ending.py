"""The end of the story: the account, and where to look further."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from rich.table import Table

from demo.reckoning import account_for_all
from demo.stage import Stage
from outside.account import OUTCOMES, Account
from outside.copies import SUBSCRIPTIONS


def tell_account(stage: Stage) -> None:
    stage.teller.say("\n[bold]Every event is accounted for[/bold]")
    found = account_for_all(stage.shop, stage.teller)
    stage.teller.sentence("published = queued + applied + stale + parked + ignored, as the ledgers have it. Duplicates are deliveries beyond that.")
    stage.teller.say()
    stage.teller.say(_account_table(found, stage.teller.arrow))
    stage.teller.say()
    moving = sum(account.missing for account in found)
    whole = f"{sum(account.published for account in found)} deliveries are due, each has one outcome"
    stage.teller.good(f"{whole}, but {moving} that are on their way: others are at work here" if moving else whole)


def _account_table(found: Sequence[Account], arrow: str) -> Table:
    outcomes = [outcome for outcome in OUTCOMES if outcome not in ("conflict", "regressed") or any(account.outcomes[outcome] for account in found)]
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    table.add_column(f"  of {arrow} at")
    for title in ("published", "queued", *outcomes, "duplicates"):
        table.add_column(title, justify="right")
    for account in found:
        numbers = (account.published, account.queued, *(account.outcomes[outcome] for outcome in outcomes), account.duplicates)
        table.add_row(f"  {account.publisher} {arrow} {account.subscriber}", *map(str, numbers))
    return table


def tell_links(stage: Stage) -> None:
    variables = stage.shop.variables
    stage.teller.say("\n[bold]Where to look[/bold]   (admin, then API)")
    if "BOARD_URL" in variables:
        stage.teller.line(f"{'board':<10} {variables['BOARD_URL']}")
    for service in SUBSCRIPTIONS:
        base = variables[f"{service.upper()}_URL"]
        stage.teller.line(f"{service:<10} {base}/admin/  {base}/api/docs/")
    stage.teller.line(f"{'Flower':<10} {variables['FLOWER_URL']}/")
    management = urlsplit(variables["RABBITMQ_MANAGEMENT_URL"])  # its credentials are not for the screen
    stage.teller.line(f"{'RabbitMQ':<10} {management.scheme}://{management.hostname}:{management.port}/")
    stage.teller.line(f"{'user':<10} {variables['ADMIN_USER']}, password {variables['ADMIN_PASSWORD']}")
