from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .serving import Running, configured, peopled, serving


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Running]:
    """A site without any user."""
    async with serving(configured(tmp_path)) as running:
        yield running


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """A site with an engineer, a technician and a viewer."""
    async with serving(peopled(configured(tmp_path))) as running:
        yield running
