"""Wiring and supervision only: what is built, in which order it starts, what restarts alone, what is told to the outside."""
