"""Whether a checksum variant is taken only where the manifest declares it: LIS1-A frames whose sum is that of the other variant give no result.

Devices differ in whether ETX or ETB is part of the sum (LIS1-A 6.3.3.5 says that it is). Block protocols know one rule each, which the flips ask of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lis_bridge.catalogue.checks.damage import is_checked
from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.framing import unframe
from lis_bridge.framing.frames import sum8

_FRAME = re.compile(rb"(?<=\x02)([0-9][^\x02\x03\x17]*)([\x03\x17])([0-9A-Fa-f]{2})")


def checksum(subject: Subject) -> Iterator[Finding]:
    """Frames with the sum of the variant that no framing declares are refused."""
    declared = {profile.checksum for profile in subject.plan.profiles if profile.kind == "lis1a"}
    if declared not in ({"including"}, {"excluding"}):
        return
    closer_counts = declared == {"excluding"}
    for capture in subject.captures:
        if not is_checked(subject, capture.raw) or not _FRAME.search(capture.raw):
            continue
        changed = _FRAME.sub(lambda frame: _summed(frame, closer_counts), capture.raw)
        if any(body.text and body.complete for body in unframe(changed, subject.plan.profiles)):
            what = "frames with the sum of the other variant are accepted"
            yield Finding("checksum", str(capture.file), "framing", what, "Declare the variant that the device sends")


def _summed(frame: re.Match[bytes], closer_counts: bool) -> bytes:
    """The frame with the sum of one variant; one whose sum was wrong before stays wrong."""
    text, closer, said = frame.groups()
    plain = sum8(text)
    own = plain if closer_counts else (plain + closer[0]) & 0xFF
    other = (plain + closer[0]) & 0xFF if closer_counts else plain
    return text + closer + (b"%02X" % other if int(said, 16) == own else said)
