"""Samples as ``name:value`` lines, the dialect of hemorheology analyzers: header fields, then points, then plain results."""

from __future__ import annotations

from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.catalogue.manifest.pairs import PairsSpec
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.sheet import moment_texts


def compose_named(dialect: Dialect, sample: Sample) -> str:
    """One record of name:value lines, CR LF after each."""
    form = dialect.pairs or PairsSpec()
    fields = _heads(dialect, sample)
    for name in form.points:
        fields[name] = _points(form, name, sample.results)
    drawn = {name for name, text in fields.items() if text and name in form.points}
    for measured in sample.results:
        if not any(_rate(form, name, measured.code) for name in drawn):
            fields[measured.code] = measured.value
    return "".join(f"{name}{form.separator}{text}\r\n" for name, text in fields.items() if text)


def _heads(dialect: Dialect, sample: Sample) -> dict[str, str]:
    spec, person = dialect.message, sample.patient
    fields: dict[str, str] = {}
    said = [(spec.specimen, sample.id), (spec.model, sample.model), (spec.serial, sample.serial)]
    if person is not None:
        said += [(spec.patient_id, person.id or ""), (spec.patient_name, person.name or "")]
        said += [(spec.birth, person.birth or ""), (spec.sex, person.sex or ""), (spec.age, person.age or "")]
    fields.update({choice[0]: text for choice, text in said if choice})
    observed = next((measured.observed_at for measured in sample.results if measured.observed_at), None) or sample.at
    times = moment_texts(spec.sent_at, sample.at) + moment_texts(spec.dated, sample.at, day_only=True)
    for table in dialect.results[:1]:
        times += moment_texts(table.observed_at, observed)
    fields.update({path.name: text for path, text in times})
    return fields


def _points(form: PairsSpec, name: str, results: tuple[Measured, ...]) -> str:
    """``(rate,value)(rate,value);`` of the results that belong to this field."""
    rates = [(_rate(form, name, measured.code), measured.value) for measured in results]
    points = "".join(f"({rate},{value})" for rate, value in rates if rate)
    return f"{points};" if points else ""


def _rate(form: PairsSpec, name: str, code: str) -> str:
    """The x of a point's code (``全血粘度@200.00`` is 200.00); empty for a code that is no point of this field."""
    before, _, after = form.points[name].code.replace("{name}", name).partition("{x}")
    if not code.startswith(before) or not code.endswith(after):
        return ""
    return code[len(before) : len(code) - len(after)]
