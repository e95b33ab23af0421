"""`make demo`: the whole story in a minute or so, on a running shop, each step checked row by row.

It is a room of its own, beside `deploy` and `tests`: it deploys nothing, and it must run where only the requirements of the
services are installed. What it shares with the tests, the client and the comparison, is in `outside`.

Read it in this order: `story` (the steps), the files it names (what happens in each), `stage` (what they act on), `reckoning`
(what is compared after each), `processes` and `bring_up` (the stack under it, whoever runs it).
"""
