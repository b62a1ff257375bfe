"""Templates are compiled once for all languages, before anybody asks for them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, meta

from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.rendering import FIRST, Rendering
from lis_bridge.console.words import LANGUAGES

from .serving import Running


@pytest.fixture
def rendering() -> Rendering:
    return Rendering(ZoneInfo("Asia/Shanghai"), TestCatalogue.load())


def test_a_template_is_the_same_code_in_every_language(rendering: Rendering) -> None:
    """Else one language would speak the other's words."""
    environments = [rendering._environments[language] for language in LANGUAGES]
    for name in environments[0].list_templates():
        assert len({_code(one, name) for one in environments}) == 1, name


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that are compiled from now on."""
    names: list[str] = []
    real = Environment.compile

    def counted(self: Environment, source: str, name: str, *rest: str) -> object:
        names.append(name)
        return real(self, source, name, *rest)

    monkeypatch.setattr(Environment, "compile", counted)
    return names


def test_each_template_is_compiled_once(rendering: Rendering, compiled: list[str]) -> None:
    rendering.prepare(datetime.now(UTC))
    rendering.warm()
    assert sorted(compiled) == rendering._environments["zh"].list_templates()


@pytest.mark.parametrize("page", ["pages/login.html", "pages/now.html"])
def test_what_is_asked_for_first_is_prepared_with_all_that_it_includes(
    page: str, rendering: Rendering, compiled: list[str]
) -> None:
    rendering.prepare(datetime.now(UTC))
    environment = rendering._environments["zh"]
    names, needed = {page}, set()
    while names:
        needed.add(name := names.pop())
        names |= _included(environment, name) - needed
    assert "base.html" in needed
    assert needed - set(compiled) == set()


async def test_the_first_page_after_a_start_waits_for_no_template(running: Running, compiled: list[str]) -> None:
    async with running.logged_in() as client:
        assert (await client.get("/")).status_code == 200
    assert [name for name in compiled if name.startswith(FIRST)] == []


def _included(environment: Environment, name: str) -> set[str]:
    """Templates that it extends, imports or includes."""
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return {found for found in meta.find_referenced_templates(environment.parse(source)) if found is not None}


def _code(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    return environment.compile(source, name, name, raw=True)
