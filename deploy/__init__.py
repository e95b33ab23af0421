"""How Polder is deployed and run."""
