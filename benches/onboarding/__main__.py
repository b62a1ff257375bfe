"""Prints the figures of docs/onboarding.md."""

from __future__ import annotations

from benches.onboarding.figures import HEADS, every, three

lines, seconds = zip(*three(), strict=True)
print(f"| {' | '.join(HEADS)} |", f"| --- |{' ---: |' * (len(HEADS) - 1)}", *lines, "", sep="\n")
print("Seconds from the captures to the folder:", ", ".join(f"{taken:.2f}" for taken in seconds), end="\n\n")
print(*every(), sep="\n")
