"""What a column of texts looks like: a barcode, a moment, a unit. A look holds only where every text that is not empty agrees."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lis_bridge.catalogue.values import limits_of, number_of
from lis_bridge.core.sayings import saying

_MOMENT = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\.\d+)?)?")
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_BARCODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{7,24}")
_COUNTED = re.compile(r"\d{1,7}")
_SEX = re.compile(r"[MFUO]|男|女|未知|Male|Female", re.IGNORECASE)
_FLAG = re.compile(r"[HLNA<>↑↓*!~&@+-]{1,6}|[HL]{2}|(?:>|<)?(?:High|Low|Normal)", re.IGNORECASE)
_STATUS = re.compile(r"[FRPCIXQSVMN]|F/Q|P/Q")


def is_moment(text: str) -> bool:
    """``YYYYMMDDHHMM[SS]`` that a clock can show."""
    return _MOMENT.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """``YYYYMMDD``."""
    return _DATE.fullmatch(text) is not None


def is_barcode(text: str) -> bool:
    """Eight or more letters, digits or dashes with a digit among them, and neither a date nor a moment."""
    return bool(_BARCODE.fullmatch(text)) and any(map(str.isdigit, text)) and not is_moment(text) and not is_date(text)


def is_counted(text: str) -> bool:
    """A running number."""
    return _COUNTED.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """A figure, perhaps with a comparator."""
    return number_of(text)[0] is not None


def is_range(text: str) -> bool:
    """A reference range."""
    return limits_of(text) != (None, None)


LOOKS: dict[str, Callable[[str], bool]] = {
    "moment": lambda text: is_moment(text) or is_date(text),
    "birth": lambda text: is_date(text) or is_moment(text),
    "barcode": is_barcode,
    "counted": is_counted,
    "id": lambda text: is_barcode(text) or is_counted(text),
    "number": is_number,
    "range": is_range,
    "sex": lambda text: _SEX.fullmatch(text) is not None,
    "flag": lambda text: _FLAG.fullmatch(text) is not None,
    "status": lambda text: _STATUS.fullmatch(text) is not None,
    "word": lambda text: not is_number(text) and not is_moment(text) and any(map(str.isalpha, text)),
}


def filled(column: Sequence[str]) -> list[str]:
    """The texts that are not empty, blanks around them aside."""
    return [text.strip() for text in column if text.strip()]


def looks(column: Sequence[str], look: str) -> bool:
    """True when there is something in the column and all of it looks so."""
    found = filled(column)
    return bool(found) and all(map(LOOKS[look], found))


def says(column: Sequence[str], look: str) -> str:
    """``7 of 9 rows filled, all look like a moment``: never a text itself, which may name a person."""
    return saying("{} of {} filled, all look like {}", len(filled(column)), len(column), saying(_ARTICLES[look]))


_ARTICLES = {
    "moment": "a moment",
    "birth": "a date",
    "barcode": "a barcode",
    "counted": "a running number",
    "id": "a barcode or a running number",
    "number": "a number",
    "range": "a range",
    "sex": "a sex",
    "flag": "a flag",
    "status": "a status letter",
    "word": "words",
}
