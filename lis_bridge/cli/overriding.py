"""What a site says differently from its drivers, held against them: an override that would change nothing, or hold every result, is a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from lis_bridge.core import resources
from lis_bridge.core.faults import ConfigError
from lis_bridge.settings import Analyzer, Config, Finding, place
from lis_bridge.settings.nearest import did_you_mean

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Library
    from lis_bridge.catalogue.manifest.driver import Manifest
    from lis_bridge.catalogue.tests import TestCatalogue

MISTYPED = 0.8
"""How like a driver's code (difflib's ratio) a new one may be before it is taken for a slip of the pen."""


def mismatches(config: Config, library: Library, tests: TestCatalogue) -> Iterator[Finding]:
    """Overrides that name a dialect, option, code, unit or test that is not there."""
    for index, analyzer in enumerate(config.analyzers):
        manifest = library.driver(analyzer.driver).manifest
        for key, what, hint in (
            *_dialect(analyzer, manifest),
            *_options(analyzer, manifest),
            *_codes(analyzer, manifest, tests),
            *_units(analyzer, manifest, tests),
            *_decimal(analyzer, manifest),
        ):
            yield Finding(("analyzer", index, *key), what, hint)


Mistake = tuple[tuple[str, ...], str, str]


def _dialect(analyzer: Analyzer, manifest: Manifest) -> Iterator[Mistake]:
    if analyzer.dialect is not None and analyzer.dialect not in manifest.dialect:
        hint = did_you_mean(analyzer.dialect, manifest.dialect) or f"it knows {', '.join(manifest.dialect)}"
        yield ("dialect",), f"driver {manifest.id} has no dialect {analyzer.dialect!r}", hint


def _options(analyzer: Analyzer, manifest: Manifest) -> Iterator[Mistake]:
    for name, choice in analyzer.choices.items():
        option = manifest.options.get(name)
        if option is None:
            known = f"it knows {', '.join(manifest.options)}" if manifest.options else "Take it out; the driver has no options"
            hint = did_you_mean(name, manifest.options) or known
            yield ("options", name), f"driver {manifest.id} has no option {name!r}", hint
        elif choice not in option.choices:
            hint = did_you_mean(choice, option.choices) or f"one of {', '.join(option.choices)}: {option.says}"
            yield ("options", name), f"option {name} has no choice {choice!r}", hint


def _codes(analyzer: Analyzer, manifest: Manifest, tests: TestCatalogue) -> Iterator[Mistake]:
    known_tests = [test.code for test in tests.tests]
    for code, test in analyzer.codes.items():
        if tests.test(test) is None:
            hint = did_you_mean(test, known_tests) or "Write a code of config/catalogue/tests.tsv"
            yield ("codes", code), f"code {code!r}: the catalogue has no test {test!r}", hint
        meant = None if code in analyzer.new_codes else mistyped(code, manifest.codes)
        if meant is not None:
            hint = f"did you mean {meant!r}? Where the analyzer does send {code!r}, name it in new_codes"
            yield ("codes", code), f"driver {manifest.id} knows no code {code!r}", hint
    for code in analyzer.new_codes:
        if code not in analyzer.codes:
            hint = did_you_mean(code, analyzer.codes) or "Map it in [analyzer.codes], or take it out"
            yield ("new_codes",), f"new code {code!r} is not mapped", hint


def mistyped(code: str, known: Collection[str]) -> str | None:
    """The driver's code that was probably meant; numbers, of which any may be a channel of its own, are never taken for slips."""
    if code in known or code.partition("@")[0] in known or not any(character.isalpha() for character in code):
        return None
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(code.casefold(), folded, 1, MISTYPED)
    return folded[near[0]] if near else None


def _units(analyzer: Analyzer, manifest: Manifest, tests: TestCatalogue) -> Iterator[Mistake]:
    codes = {**manifest.codes, **analyzer.codes}
    known = (*codes, *codes.values())
    for key, spelling in analyzer.units.items():
        if key.startswith("unit "):
            continue
        test = tests.test(codes.get(key, key))
        if test is None or key not in known:
            hint = did_you_mean(key, known) or "Write a code of [analyzer.codes] or of the driver"
            yield ("units", key), f"driver {manifest.id} knows no code or test {key!r}", hint
        elif tests.unit(spelling, test) is None:
            hint = f"Write a unit of the kind of {test.ucum or 'no unit'}"
            yield ("units", key), f"{spelling!r} is no unit of {test.code}", hint


def _decimal(analyzer: Analyzer, manifest: Manifest) -> Iterator[Mistake]:
    if analyzer.decimal == "," and any(dialect.pairs and dialect.pairs.value for dialect in manifest.dialect.values()):
        what = f"driver {manifest.id} reads values by an expression of its own, which knows the point only"
        yield ("decimal",), what, "Set the decimal point on the analyzer"


def unpinned(config: Config, library: Library) -> Iterator[Finding]:
    """Analyzers whose driver is at another revision than the site has pinned: what was filed yesterday may be read differently today."""
    for index, analyzer in enumerate(config.analyzers):
        revision = library.driver(analyzer.driver).manifest.revision
        if analyzer.revision not in (None, revision):
            what = f"driver {analyzer.driver} is at revision {revision}, the site's overrides are for {analyzer.revision}"
            hint = f"lis-bridge replay --all --dry-run --analyzer {analyzer.id} shows what differs; then write {revision}"
            yield Finding(("analyzer", index, "revision"), what, hint)


def refuse_mismatches(config: Config, library: Library) -> None:
    """Raises ConfigError for the first of the mismatches: a service must not ignore what a site said."""
    from lis_bridge.catalogue.tests import TestCatalogue

    _refuse_first(config, mismatches(config, library, TestCatalogue.load(resources.catalogue())))


def refuse_unpinned(config: Config, library: Library) -> None:
    """Raises ConfigError for the first driver that is at another revision than the site has pinned."""
    _refuse_first(config, unpinned(config, library))


def _refuse_first(config: Config, found: Iterator[Finding]) -> None:
    for one in found:
        raise ConfigError(one.what, where=place(config, one.location), hint=one.hint)


def unheeded(config: Config) -> Iterator[Finding]:
    """Keys that are in force on other links only: what a site believes to be pinned is not (promise 9)."""
    for index, analyzer in enumerate(config.analyzers):
        scheme = analyzer.link.partition("://")[0]
        if analyzer.peer is not None and scheme != "tcp-listen":
            what = f"analyzer {analyzer.id!r}: peer is ignored, {scheme} names the other end itself"
            yield Finding(("analyzer", index, "peer"), what, "Take it out; serial pins the instrument on any link")


def outgrown(config: Config, library: Library) -> Iterator[Finding]:
    """Site drivers that stand in place of a shipped one which has grown newer than they are."""
    for index, analyzer in enumerate(config.analyzers):
        driver = library.driver(analyzer.driver)
        if driver.hidden is not None and driver.hidden > driver.manifest.revision:
            what = (
                f"the site's driver {driver.id} at revision {driver.manifest.revision} hides the shipped one at {driver.hidden}"
            )
            yield Finding(("analyzer", index, "driver"), what, "Look whether the shipped one will do, and take the site's out")
