"""What a person typed from an analyzer's printout or screen: a sample's id, then values, in nearly any form.

sample 2603220148
WBC 白细胞 = 5.12 10^9/L
血红蛋白：120 g/L ↓ (130-175)
GLU   4.88
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lis_bridge.core.faults import UsageError

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
"""Full-width letters, digits and signs, as Chinese keyboards type them."""
_SAMPLE = re.compile(
    r"(?:sample|specimen|barcode|tube|sid|样本号?|样品号?|标本号?|条码号?|编号)\s*(?:id|no\.?|number|号)?\s*[:=#\s]\s*(\S+)",
    re.IGNORECASE,
)
_LINE = re.compile(r"(?P<label>.+?)\s*[=:]\s*(?P<rest>\S.*)|(?P<spaced>\S.*?)(?:\t+|\s+)(?P<figure>[<>≤≥]?=?\s*[+-]?\d.*)")
_REST = re.compile(r"(?P<value>[<>≤≥]?=?\s*[+-]?\d+(?:\.\d+)?(?=\s|$|[^\d.\s]))\s*(?P<tail>.*)")
_NOISE = re.compile(r"\(.*?\)|(?<!\S)(?:[HLN*↑↓]{1,2}|[\d.]+\s*(?:-|~|–|--)\s*[\d.]+)(?!\S)")


@dataclass(frozen=True, slots=True)
class Said:
    """One value as it was typed; ``specimen`` is empty where no sample was named, ``unit`` where none was typed."""

    where: str
    specimen: str
    label: str
    value: str
    unit: str


def read(text: str, where: str) -> tuple[Said, ...]:
    """The values of a printout. Raises UsageError with ``where:line`` for a line that says none."""
    return tuple(_said(text, where))


def _said(text: str, where: str) -> Iterator[Said]:
    specimen = ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = line.translate(_WIDE).strip()
        if not line or line.startswith("#"):
            continue
        sample = _SAMPLE.fullmatch(line)
        if sample is not None:
            specimen = sample[1]
            continue
        yield _value(line, f"{where}:{number}", specimen)


def _value(line: str, where: str, specimen: str) -> Said:
    found = _LINE.fullmatch(line)
    if found is None:
        raise UsageError(f"no value in {line!r}", where=where, hint="Write for example: WBC = 5.12 10^9/L, or: sample 2603220148")
    label, rest = (found["label"] or found["spaced"]).strip(), (found["rest"] or found["figure"]).strip()
    figure = _REST.fullmatch(rest)
    if figure is None:
        return Said(where, specimen, label, _NOISE.sub(" ", rest).strip() or rest, "")
    return Said(where, specimen, label, figure["value"].replace(" ", ""), _NOISE.sub(" ", figure["tail"]).strip())
