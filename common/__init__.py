"""What the three services share: their contracts and their settings; the library is `polder`."""
