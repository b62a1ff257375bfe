"""The read models as pydantic describes them in the OpenAPI document: the same fields, made from the structs, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BaseModel, ConfigDict, create_model


@cache
def model_of(struct: type[msgspec.Struct]) -> type[BaseModel]:
    """The struct's pydantic model, of the same name."""
    hints = get_type_hints(struct)
    fields: dict[str, Any] = {name: (_described(hints[name]), ...) for name in struct.__struct_fields__}
    return create_model(struct.__name__, __config__=ConfigDict(from_attributes=True), __doc__=struct.__doc__, **fields)


def _described(hint: Any) -> Any:
    """A type with every struct in it described."""
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return model_of(hint)
    if origin in (Union, UnionType):
        return Union[tuple(map(_described, inner))]  # noqa: UP007 - of types that are known only here
    if origin in (list, Sequence):
        return list[_described(inner[0])]  # type: ignore[misc]
    if origin is tuple and inner[-1] is Ellipsis:
        return list[_described(inner[0])]  # type: ignore[misc]
    if origin in (dict, Mapping):
        return dict[inner[0], _described(inner[1])]  # type: ignore[misc, valid-type]
    return hint
