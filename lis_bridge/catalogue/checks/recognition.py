"""Whether captures are recognised: by their own family, and by no other."""

from __future__ import annotations

from collections.abc import Iterator

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.core.sayings import saying
from lis_bridge.settings.nearest import did_you_mean


def identify(subject: Subject) -> Iterator[Finding]:
    """Own captures are claimed by this driver or its declared lookalikes, and by no other driver."""
    for capture in subject.captures:
        claims = {candidate.driver for candidate in subject.library.identify(capture.raw)}
        if claims and claims <= subject.group:
            continue
        said = saying("claimed by {}", ", ".join(sorted(claims))) if claims else "no driver claims it"
        hint = "Mend [[identify]] here or there, or name the other one in lookalikes"
        yield Finding("identify", str(capture.file), "identify", said, hint)


def lookalikes(subject: Subject) -> Iterator[Finding]:
    """Every lookalike is a driver. It need not know of this one: that is asked of its own captures."""
    for name in subject.driver.manifest.lookalikes:
        if name not in subject.library.ids():
            hint = did_you_mean(name, subject.library.ids()) or "Take it out, or write the id of a driver"
            yield Finding("lookalikes", subject.driver.place("lookalikes"), name, "is no driver", hint)
