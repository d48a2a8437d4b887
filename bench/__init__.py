"""Every number that the README and the cards show, by a command: `python -m bench NAME`."""
