"""The line index agrees with tomllib on every text that tomllib accepts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.settings import source

KEYS = st.text("abc-_1", min_size=1, max_size=4)
VALUES = st.sampled_from(
    [
        "1",
        "true",
        '"x # ] y"',
        "'a\"b'",
        '"""\nk = 1\n[t]\n"""',
        '"""a\\"""b"""',
        "'''\n[x]\n'''",
        "[1, [2, # ]\n 3]\n]",
        '{a = "}"}',
        '""""q"""',
    ]
)
LINES = st.one_of(
    st.builds(lambda key, value: f"{key} = {value} # [end]", KEYS, VALUES),
    st.builds(lambda key, inner: f'"{key}".{inner} = 1', KEYS, KEYS),
    st.builds(lambda key: f"[{key}]", KEYS),
    st.builds(lambda key: f"[[ {key} ]]", KEYS),
    st.builds(lambda key, inner: f"[{key}.{inner}]", KEYS, KEYS),
    st.sampled_from(["", "  # [comment]", "\t"]),
)


def leaves(value: Any, location: source.Location = ()) -> Iterator[source.Location]:
    """The locations of tables and of keys in them; arrays of plain values are leaves."""
    if location:
        yield location
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*location, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict):
                yield from leaves(inner, (*location, index))


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_every_indexed_location_is_real_and_names_its_key(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    real = set(leaves(table))
    physical = text.split("\n")
    for location, line in source._lines(text).items():
        assert location in real
        assert str([part for part in location if isinstance(part, str)][-1]) in physical[line - 1]


def test_place_of_a_key_that_is_not_there_is_its_table(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('[a]\nb = 1\n\n[[c]]\nd = """\n\n"""\n[[c]]\n[c.e]\nf = {g = 1}\n')
    read = source.read(path)
    places = {("a", "z"): 1, ("c", 0, "d"): 5, ("c", 1, "z"): 8, ("c", 1, "e", "f", "g"): 10}
    assert {location: read.where(location) for location in places} == {where: f"{path}:{line}" for where, line in places.items()}
    assert read.where(("z",)) == str(path)
