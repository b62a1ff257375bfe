"""Templates are compiled once for all languages, before anybody asks for them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment

from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.rendering import Rendering
from lis_bridge.console.words import LANGUAGES


@pytest.fixture
def rendering() -> Rendering:
    return Rendering(ZoneInfo("Asia/Shanghai"), TestCatalogue.load())


def test_a_template_is_the_same_code_in_every_language(rendering: Rendering) -> None:
    """Else one language would speak the other's words."""
    environments = [rendering._environments[language] for language in LANGUAGES]
    for name in environments[0].list_templates():
        assert len({_code(one, name) for one in environments}) == 1, name


def test_each_template_is_compiled_once(rendering: Rendering, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = Environment.compile

    def counted(self: Environment, source: str, name: str, *rest: str) -> object:
        compiled.append(name)
        return real(self, source, name, *rest)

    monkeypatch.setattr(Environment, "compile", counted)
    rendering.warm(datetime.now(UTC))
    assert sorted(compiled) == rendering._environments["zh"].list_templates()


def _code(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return environment.compile(source, name, name, raw=True)
