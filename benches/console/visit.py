"""A person's browser without a screen: logs in with name and password, then asks for pages and looks at the clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from urllib.parse import urlencode

TIMES = 20


@dataclass(frozen=True)
class Timed:
    """One address: milliseconds until its last byte was there, the first time and of the times after it."""

    path: str
    status: int
    size: int
    first: float
    p50: float
    p95: float

    @property
    def slowest(self) -> float:
        """What a person may have to wait."""
        return max(self.first, self.p95)


class Visitor:
    """One session over one connection that stays open, as a browser's does."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(address, timeout=120)
        self._cookies = SimpleCookie()

    def log_in(self, name: str, password: str) -> float:
        """Through the form; how long the answer to the password took."""
        token = re.search(r'name="csrf" value="(\w+)"', self.ask("/login")[1])
        assert token is not None
        form = urlencode({"csrf": token[1], "name": name, "password": password})
        began = time.perf_counter()
        status, _ = self.ask("/login", "POST", form)
        assert status == 303, status
        return (time.perf_counter() - began) * 1000

    def ask(self, path: str, method: str = "GET", form: str | None = None) -> tuple[int, str]:
        """Status and text."""
        headers = {"Cookie": "; ".join(f"{name}={one.value}" for name, one in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._answer(path, method, form, headers)
        text = answer.read().decode("utf-8", "replace")
        for cookie in answer.headers.get_all("set-cookie", []):
            self._cookies.load(cookie)
        return answer.status, text

    def _answer(self, path: str, method: str, form: str | None, headers: dict[str, str]) -> HTTPResponse:
        """On a new connection where the server has ended the old one, as it does after a page that failed."""
        try:
            self._connection.request(method, path, form, headers)
            return self._connection.getresponse()
        except ConnectionError:
            self._connection.close()
            self._connection.request(method, path, form, headers)
            return self._connection.getresponse()

    def timed(self, path: str, times: int = TIMES) -> Timed:
        """Ask once, then so many times."""
        first, (status, text) = _clocked(lambda: self.ask(path))
        spans = sorted(_clocked(lambda: self.ask(path))[0] for _ in range(times))
        return Timed(path, status, len(text.encode()), first, spans[times // 2], spans[min(times - 1, int(times * 0.95))])


def _clocked(ask: Callable[[], tuple[int, str]]) -> tuple[float, tuple[int, str]]:
    began = time.perf_counter()
    answer = ask()
    return (time.perf_counter() - began) * 1000, answer
