"""Texts with values in them that a person may read in another language: the English text, which also knows what it was made of.

A ``Saying`` is its English text wherever a text is wanted (command line, files, logs). Who speaks another language looks its ``id`` up and puts
the values in again (``console.words``).
"""

from __future__ import annotations

from collections.abc import Iterable


class Saying(str):
    """An English text; ``id`` has a ``{}`` for each of ``values``, which may be sayings themselves."""

    id: str
    values: tuple[object, ...]


def saying(id: str, *values: object) -> Saying:
    """The text that ``id`` and its values make."""
    made = Saying(id.format(*values))
    made.id, made.values = id, values
    return made


def joined(separator: str, texts: Iterable[str]) -> Saying:
    """Texts in a row, each of which stays what it is; one without values is its own ``id``."""
    listed = tuple(text if isinstance(text, Saying) else saying(text.replace("{", "{{").replace("}", "}}")) for text in texts)
    return saying(separator.join("{}" for _ in listed), *listed)


def text_of(value: object) -> str:
    """For msgspec's ``enc_hook``: the English text alone. Raises NotImplementedError for what is no saying."""
    if isinstance(value, Saying):
        return str(value)
    raise NotImplementedError
