"""Templates in two languages: one Jinja environment for each, with the words, numbers and times of its people."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_decimal
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

from lis_bridge.catalogue.tests import Test, TestCatalogue
from lis_bridge.console.bytes import pieces
from lis_bridge.console.words import LANGUAGES, LOCALES, TAGS, Language, say, translations
from lis_bridge.core.holds import WORDS

STATIC = Path(__file__).parent / "static"


FIRST = ("base", "door", "layout", "sprite", "parts/macros", "pages/login", "pages/now", *(f"parts/{name}" for name in (
    "top", "tiles", "work", "items", "tubes", "figures", "call", "language"
)))  # fmt: skip
"""What a browser asks for first after a start: the door, and Now with its parts."""


class _Compiled(BytecodeCache):
    """Templates are compiled for one language and serve in the others too: their words, numbers and times are looked up when a page is made."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


class Rendering:
    """Pages of one site."""

    def __init__(self, zone: tzinfo, tests: TestCatalogue) -> None:
        compiled = _Compiled()
        self._environments = {language: _environment(language, zone, tests, compiled) for language in LANGUAGES}

    def prepare(self, now: datetime) -> None:
        """Compile what a browser asks for first, and load what numbers and times need."""
        for made in self._environments.values():
            for name in made.list_templates(filter_func=lambda name: name.startswith(FIRST)):
                made.get_template(name)
            made.filters["number"](0)
            made.filters["day"](now)
            made.filters["lasting"](now, now)

    def warm(self) -> None:
        """Compile every template, so that no page's first visitor waits for it."""
        for made in self._environments.values():
            for name in made.list_templates():
                made.get_template(name)

    def __call__(self, template: str, language: Language, values: Mapping[str, Any]) -> str:
        """A template's text."""
        return self._environments[language].get_template(template).render(values)


def _environment(language: Language, zone: tzinfo, tests: TestCatalogue, compiled: BytecodeCache) -> Environment:
    made = Environment(
        bytecode_cache=compiled,
        loader=PackageLoader("lis_bridge.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    locale = LOCALES[language]
    made.globals.update(lang=language, tag=TAGS[language], other=_other(language), asset=asset, tests=tests)
    made.filters.update(
        number=partial(format_decimal, locale=locale),
        day=lambda moment: format_skeleton("MMMEd", moment.astimezone(zone), locale=locale),
        date=lambda moment: format_date(moment.astimezone(zone), "yyyy-MM-dd", locale=locale),
        time=lambda moment: f"{moment.astimezone(zone):%H:%M:%S}",
        minute=lambda moment: f"{moment.astimezone(zone):%H:%M}",
        moment=lambda moment: f"{moment.astimezone(zone):%H:%M:%S.%f}"[:-3],
        iso=lambda moment: moment.astimezone(zone).isoformat(timespec="seconds"),
        stamp=lambda text: f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S}",
        lasting=partial(_lasting, locale=locale),
        named=partial(_named, language=language),
        said=partial(say, language=language),
        reason=partial(_reason, language=language),
        remedy=partial(_remedy, language=language),
        pieces=pieces,
    )
    return made


def _other(language: Language) -> Language:
    return "en" if language == "zh" else "zh"


def _lasting(since: datetime, now: datetime, locale: Any) -> str:
    """How long ago, in the largest whole unit."""
    span = max(now - since, now - now)
    return format_timedelta(span, threshold=1.5, format="short", locale=locale)


def _named(test: Test, language: Language) -> str:
    return test.name_zh if language == "zh" else test.name_en


def _reason(reason: str, language: Language) -> str:
    """A hold's reason; one that a newer version made is shown as it stands."""
    words = _words().get(reason)
    return reason if words is None else words.zh if language == "zh" else words.en


def _remedy(reason: str, language: Language) -> str:
    words = _words().get(reason)
    return "" if words is None else words.do_zh if language == "zh" else words.do_en


@cache
def _words() -> dict[str, Any]:
    return {str(reason): said for reason, said in WORDS.items()}


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for ever."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"
