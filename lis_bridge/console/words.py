"""The console's two languages. Message ids are English; the Chinese stands in ``locale/zh/LC_MESSAGES/console.po``, which is compiled when the console starts.

Labels are translated, data never is: names, wards, the LIS's words, wire bytes.
"""

from __future__ import annotations

import io
import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Literal, get_args

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from lis_bridge.core.sayings import Saying

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "zh"
LOCALES: dict[Language, Locale] = {"zh": Locale.parse("zh_Hans_CN"), "en": Locale.parse("en_GB")}
TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}
_FOLDER = Path(__file__).parent / "locale"


def language_of(text: str | None) -> Language:
    """The language that a cookie or a user's row names; Chinese where it names none."""
    return "en" if text == "en" else DEFAULT


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "to be translated where it is shown"
    """Marks a text in code that a template translates."""
    return text


def catalog(language: Language) -> Catalog:
    """The messages of a language as they stand in its file."""
    with (_FOLDER / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def translations(language: Language) -> NullTranslations:
    """gettext for a language; English is the message ids."""
    if language == "en":
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalog(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def say(text: str, language: Language) -> str:
    """A text that a room below made, in a language: as it stands in the catalogue, or by a pattern there in which ``{}`` stands for values.

    A saying knows its pattern and its values; of another text they are found out.
    """
    known = translations(language)
    if isinstance(text, Saying):
        values = (say(value, language) if isinstance(value, Saying) else value for value in text.values)
        return known.gettext(text.id).format(*values)
    said = known.gettext(text)
    if said != text or language == "en":
        return said
    for pattern, template in _patterns(language):
        found = pattern.fullmatch(text)
        if found:
            return template.format(*(say(group, language) for group in found.groups()))
    return text


@cache
def _patterns(language: Language) -> list[tuple[re.Pattern[str], str]]:
    told = [(str(message.id), str(message.string)) for message in catalog(language) if "{}" in str(message.id)]
    told.sort(key=lambda pair: -len(pair[0].replace("{}", "")))  # the one that says most
    return [(re.compile("(.+?)".join(map(re.escape, id.split("{}")))), string) for id, string in told]
