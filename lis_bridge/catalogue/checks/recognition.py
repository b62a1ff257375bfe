"""Whether captures are recognised: by their own family, and by no other."""

from __future__ import annotations

from collections.abc import Iterator

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject


def identify(subject: Subject) -> Iterator[Finding]:
    """Own captures are claimed by this driver or its declared lookalikes, and by no other driver."""
    for capture in subject.captures:
        claims = {candidate.driver for candidate in subject.library.identify(capture.raw)}
        if claims and claims <= subject.group:
            continue
        said = f"claimed by {', '.join(sorted(claims))}" if claims else "no driver claims it"
        hint = "Mend [[identify]] here or there, or name the other one in lookalikes"
        yield Finding("identify", str(capture.file), "identify", said, hint)


def lookalikes(subject: Subject) -> Iterator[Finding]:
    """Every lookalike is a driver, and knows of it."""
    for name in subject.driver.manifest.lookalikes:
        where = subject.driver.place("lookalikes")
        if name not in subject.library.ids():
            yield Finding("lookalikes", where, name, "is no driver", "Take it out, or write the id of a driver")
        elif subject.driver.id not in subject.library.driver(name).manifest.lookalikes:
            yield Finding("lookalikes", where, name, "does not name this driver", f"Name {subject.driver.id} in its lookalikes")
