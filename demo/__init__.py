"""`make demo`: the whole story on a running shop, each step checked row by row.

Read `steps` first; `stage` has what they act on, `standing` the shop under it. It uses the shop as
anybody does, by `outside` and by the make targets, and runs where only the requirements of the
services are installed.
"""
