"""LOINC properties and the units that fit them: a count per volume never carries a percent sign, a fraction never a volume.

The properties are those of LOINC's table "Property" (LOINC Users' Guide, 2.5); only what the catalogue uses is listed.
"""

from __future__ import annotations

import re

from lis_bridge.catalogue.tests import Test

_VOLUME = r"(?:[munpfd]?L)"
_ARBITRARY = r"(?:[um]?\[IU\]|\[arb'U\]|\{[A-Z]+'U\}|k?U|[um]U)"
_COUNT = rf"(?:10\*\d+)?/{_VOLUME}"
_RATIO = r"\{(?:ratio|index|S/CO|COI|INR|titer)\}|1"

FITTING: dict[str, str] = {
    "NCnc": _COUNT,
    "NFr": r"%|/100\{WBCs\}",
    "MFr": r"%",
    "VFr": r"%|L/L",
    "CFr": r"%",
    "SFr": r"%|mmol/mol(?:\{Hb\})?",
    "MCnc": rf"[munpfk]?g/{_VOLUME}(?:\{{(?:FEU|DDU)\}})?",
    "SCnc": rf"[munp]?mol/{_VOLUME}",
    "CCnc": rf"{_ARBITRARY}/{_VOLUME}|u?kat/L",
    "ACnc": rf"{_ARBITRARY}/{_VOLUME}|{_RATIO}",
    "EntVol": r"fL",
    "EntMass": r"pg",
    "Time": r"s|min",
    "Vel": r"mm/h",
    "Angle": r"deg",
    "Len": r"mm",
    "PPres": r"mm\[Hg\]|kPa",
    "Titr": r"\{titer\}",
    "MRat": r"[mu]?g/\(24\.h\)",
    "SRat": r"[mun]?mol/\(24\.h\)",
    "VRat": r"mL/min",
    "ArVRat": r"mL/min/\{1\.73_m2\}",
    "Naric": r"/\[[HL]PF\]",
    "Osmol": r"mosm/kg",
    "LsCnc": r"\[pH\]",
    "MRto": rf"{_RATIO}|mg/g\{{creat\}}|mg/mmol\{{creat\}}",
    "SRto": _RATIO,
    "CRto": _RATIO,
    "Rden": r"1",
    "CCnt": r"U/g\{Hb\}",
    "PrThr": r"",
}
"""Property → what a unit of it looks like, in full; properties that say nothing of a unit (``Ratio``, ``RelTime`` …) are not listed."""

_CELLS = {"#": re.compile(_COUNT), "%": re.compile(r"%|/100\{WBCs\}")}
"""How the catalogue writes counts and fractions of cells, also those that LOINC has no term for."""


def contradiction(test: Test) -> str | None:
    """Why the unit of a test cannot be that of its LOINC property, or of its name; None where it can."""
    fitting = FITTING.get(test.property)
    if fitting is not None and not re.fullmatch(fitting, test.ucum):
        return f"unit {test.ucum or 'none'} does not fit LOINC property {test.property}"
    named = _CELLS.get(test.code[-1:])
    if named is not None and not named.fullmatch(test.ucum):
        return f"unit {test.ucum or 'none'} does not fit a code that ends in {test.code[-1]}"
    return None
