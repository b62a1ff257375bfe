"""Manifests' name:value and fixed-width forms, compiled for their dialects."""

from __future__ import annotations

import re

from lis_bridge.catalogue.heads import moment_paths
from lis_bridge.catalogue.manifest import CellSpec, CellsSpec, Dialect, RowsSpec
from lis_bridge.dialects import fixed, pairs


def pairs_form(spec: Dialect) -> pairs.Form:
    said = spec.pairs
    if said is None:
        raise ValueError("a dialect of kind pairs needs a table [dialect.NAME.pairs]")
    message = spec.message
    heads: set[str] = set(said.info)
    for field in ("specimen", "patient_id", "patient_name", "birth", "sex", "age", "series", "model", "serial"):
        heads.update(getattr(message, field))
    times = (*message.dated, *message.sent_at, *(moment for table in spec.results for moment in table.observed_at))
    for item in times:
        heads.update(str(path) for path in moment_paths(item))
    points = {
        name: pairs.Points(point.code, point.x, point.y, re.compile(point.missing) if point.missing else None)
        for name, point in said.points.items()
    }
    value = re.compile(said.value) if said.value else None
    return pairs.Form(said.separator, said.cut == "last", frozenset(heads), value, points, said.numeric_only)


def fixed_forms(spec: Dialect) -> tuple[fixed.Form, ...]:
    if spec.fixed is None:
        raise ValueError("a dialect of kind fixed needs a table [dialect.NAME.fixed]")
    return tuple(
        fixed.Form(
            re.compile(form.match),
            form.fields,
            form.constants,
            tuple(map(_cell_form, form.cell)),
            _cells_form(form.cells) if form.cells else None,
            _found_form(form.rows) if form.rows else None,
        )
        for form in spec.fixed.form
    )


def _cell_form(spec: CellSpec) -> fixed.Cell:
    missing = re.compile(spec.missing) if spec.missing else None
    return fixed.Cell(spec.code, spec.at, spec.width, spec.decimals, spec.flag, missing)


def _cells_form(spec: CellsSpec) -> fixed.Cells:
    decimals = tuple((re.compile(code), places) for code, places in spec.decimals.items())
    return fixed.Cells(spec.start, spec.width, spec.code, spec.value, spec.flag, spec.end, decimals)


def _found_form(spec: RowsSpec) -> fixed.Found:
    units = {code: tuple((re.compile(form), unit) for form, unit in told.items()) for code, told in spec.units.items()}
    return fixed.Found(re.compile(spec.pattern), spec.words, units, spec.by_line)
