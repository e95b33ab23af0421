"""`make bench filter=story`: the whole shop, beside what one would write otherwise."""
