"""`python -m tools.site`: the pages of this repository as a site that fetches nothing."""
