"""Stand-ins: what takes the place of a name or an id. As long in bytes, of the same classes of characters, the same for the same text.

They are drawn by a secret that is thrown away with the run, so that nobody finds back from the stand-in to the person.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

_HANZI = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰红建文云"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "123456789"
_ACCENTED = "áéíóúàèìòùäëïöüñç"
_RARE = "𠀀𠀁𠀂𠀃𠀄𠀅"
_TRIES = 1000


class StandIns:
    """One capture's stand-ins; ``charset`` is what its texts are written in."""

    def __init__(self, secret: bytes, charset: str) -> None:
        self._secret = secret
        self._charset = charset
        self._made: dict[str, str] = {}
        self._taken: set[str] = set()

    @property
    def made(self) -> dict[str, str]:
        """Every text that was replaced, with its stand-in."""
        return self._made

    def of(self, text: str) -> str:
        """The stand-in of a text; blanks around it and punctuation in it stay. Raises ValueError where no character can stand in for one of its."""
        core = text.strip()
        if not any(map(str.isalnum, core)):
            return text
        if core not in self._made:
            self._made[core] = self._drawn(core)
        return text.replace(core, self._made[core], 1)

    def _drawn(self, core: str) -> str:
        """One that differs from its text and, where there are so many, from all others: two tubes stay two tubes."""
        found = core
        for salt in range(_TRIES):
            found = "".join(map(self._other, core, self._stream(core, salt)))
            if found != core and found not in self._taken:
                break
        self._taken.add(found)
        return found

    def _stream(self, core: str, salt: int) -> Iterator[int]:
        for block in range(1 + len(core) // 32):
            yield from hmac.digest(self._secret, f"{salt} {block} {core}".encode(), hashlib.sha256)

    def _other(self, character: str, number: int) -> str:
        among = self._class_of(character)
        return among[number % len(among)] if among else character

    def _class_of(self, character: str) -> str:
        """What may stand in for a character; nothing for punctuation and for zeros, which pad."""
        if character.isascii():
            if character.isdigit():
                return "" if character == "0" else _DIGITS
            if character.isalpha():
                return _LETTERS if character.isupper() else _LETTERS.lower()
            return ""
        if not character.isalnum():
            return ""
        size = len(character.encode(self._charset))
        for among in (_HANZI, _ACCENTED, _RARE, _LETTERS):
            if all(_size(other, self._charset) == size for other in among):
                return among
        raise ValueError(f"no character of {size} bytes in {self._charset}")


def _size(character: str, charset: str) -> int:
    try:
        return len(character.encode(charset))
    except UnicodeEncodeError:
        return 0
