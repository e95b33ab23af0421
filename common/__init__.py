"""What every service shares: the rooms an event walks through, from `publish()` to the replica."""
