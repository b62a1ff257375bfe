"""Manifests' name:value, fixed-width and delimited forms, compiled for their dialects."""

from __future__ import annotations

import re

from lis_bridge.catalogue.heads import moment_paths
from lis_bridge.catalogue.manifest.csv import AcrossSpec, CsvSpec
from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.catalogue.manifest.fixed import CellSpec, CellsSpec, RowsSpec
from lis_bridge.catalogue.manifest.pictures import PicturesSpec
from lis_bridge.dialects import csv_text, fixed, pairs, paths, pictures
from lis_bridge.dialects.csv_rows import Shape


def pairs_form(spec: Dialect, *, comma: bool) -> pairs.Form:
    said = spec.pairs
    if said is None:
        raise ValueError("a dialect of kind pairs needs a table [dialect.NAME.pairs]")
    points = {
        name: pairs.Points(point.code, point.x, point.y, re.compile(point.missing) if point.missing else None)
        for name, point in said.points.items()
    }
    value = re.compile(said.value) if said.value else None
    heads = _heads(spec) | set(said.info)
    return pairs.Form(said.separator, said.cut == "last", heads, value, points, said.numeric_only, comma)


def _heads(spec: Dialect) -> frozenset[str]:
    """The names that the manifest gives to what stands above the results."""
    message = spec.message
    heads: set[str] = set()
    for field in ("specimen", "patient_id", "patient_name", "birth", "sex", "age", "series", "model", "serial"):
        heads.update(getattr(message, field))
    for item in (*message.dated, *message.sent_at, *(moment for table in spec.results for moment in table.observed_at)):
        heads.update(str(path) for path in moment_paths(item))
    return frozenset(heads)


def csv_form(spec: Dialect) -> tuple[Shape, csv_text.Way, csv_text.Parts]:
    said = spec.csv
    if said is None:
        raise ValueError("a dialect of kind csv needs a table [dialect.NAME.csv]")
    head, skip = (re.compile(text) if text else None for text in (said.head, said.skip))
    shape = Shape(said.delimiter, said.quote, head, said.columns, skip, said.least, said.rest, said.closed)
    return shape, _csv_way(said, spec), {name: re.compile(pattern) for name, pattern in said.parts.items()}


def _csv_way(said: CsvSpec, spec: Dialect) -> csv_text.Way:
    if said.across is not None:
        return _across_form(said.across, spec)
    if said.down is not None:
        return csv_text.Down(said.down.sample, spec.results[0].code[0])
    assert said.records is not None, "the manifest's own check leaves no fourth way"
    return csv_text.Records(**said.records.model_dump())


def _across_form(said: AcrossSpec, spec: Dialect) -> csv_text.Across:
    return csv_text.Across(re.compile(said.name), _heads(spec) | set(said.info), said.mark, said.decimals)


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
            fixed.Lists(form.lists.count, form.lists.parts, form.lists.used) if form.lists else None,
            fixed.Drawn(**form.curve.model_dump()) if form.curve else None,
            form.groups,
        )
        for form in spec.fixed.form
        if not spec.fixed.only or form.name is None or form.name in spec.fixed.only
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


def pictures_form(said: PicturesSpec) -> pictures.Form:
    only = tuple((paths.parse(path), re.compile(pattern)) for path, pattern in said.only.items())
    code, format, data = map(paths.parse, (said.code, said.format, said.data))
    return pictures.Form(said.record, only, code, format, data, said.packed)
