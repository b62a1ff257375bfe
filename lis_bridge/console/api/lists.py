"""Pages of lists as the API describes them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import msgspec
from fastapi import Query
from pydantic import BaseModel, create_model

from lis_bridge.console.api.models import model_of
from lis_bridge.console.queries.paging import Page
from lis_bridge.core.sayings import text_of

Limit = Annotated[int, Query(ge=1, le=500)]
"""Rows of a page."""


@cache
def pages_of(struct: type[msgspec.Struct]) -> type[BaseModel]:
    """A page of such rows, newest first; ask again with ``before`` until it is null."""
    rows: Any = list[model_of(struct)]  # type: ignore[misc]
    return create_model(f"{struct.__name__}Page", rows=(rows, ...), before=(int | None, ...), __doc__=pages_of.__doc__)


def plain(found: Page[Any] | Any) -> Any:
    """Structs as JSON has them."""
    return msgspec.to_builtins(found, enc_hook=text_of)
