"""Weights, lengths, areas, gas pressures, flows and rates in prose."""

import pytest

from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.tokens import tokens_of
from services.criteria_evaluation.domain.extract.values import units_of


def first_value(text: str) -> tuple[str, float | None, str | None]:
    [tokens] = tokens_of(text, Sentence(0, len(text), None, None))
    units = units_of(tokens)
    position, value = next(iter(units.values.items()))
    return units.words[position], value.interval.low if value.interval else None, value.unit


@pytest.mark.parametrize(
    ("text", "kind", "number", "unit"),
    [
        ("Height 5'4\"", "<len>", 64, "[in_i]"),
        ("5 ft 7 in tall", "<len>", 67, "[in_i]"),
        ("5 feet 4 inches", "<len>", 64, "[in_i]"),
        ("at 64 inches", "<len>", 64, "[in_i]"),
        ("Ht: 64 in, Wt", "<len>", 64, "[in_i]"),
        ("1.72 m", "<len>", 1.72, "m"),
        ("weighs 289 pounds", "<mass>", 289, "[lb_av]"),
        ("113.4 kg", "<mass>", 113.4, "kg"),
        ("BMI 42.4 kg/m2", "<bmi>", 42.4, "kg/m2"),
        ("42.4 kg/m²", "<bmi>", 42.4, "kg/m2"),
        ("42.4 kg/m^2", "<bmi>", 42.4, "kg/m2"),
        ("6 h 42 min", "<dur>", 402, "min"),
        ("6 hours and 5 minutes", "<dur>", 365, "min"),
        ("412 minutes", "<dur>", 412, "min"),
        ("on 2 L/min", "<flow>", 2, "L"),
        ("7.2 kPa", "<gas>", 7.2, "kPa"),
        ("58 mm Hg", "<gas>", 58, "mm[Hg]"),
        ("22.4 events/hour", "<rate>", 22.4, "/h"),
        ("15 per hour", "<rate>", 15, "/h"),
        ("3.2 x 2.4 x 0.8 cm", "<dims>", 7.68, "cm2"),
        ("32 x 24 mm", "<dims>", 7.68, "cm2"),
        ("12.0 square centimeters", "<area>", 12, "cm2"),
        ("Wagner grade III", "<num>", 3, None),
        ("lost 60 in the first year", "<num>", 60, None),
        ("PT x 6 weeks", "<dur>", 6, "wk"),
    ],
)
def test_a_measure_is_one_value_in_its_unit(text: str, kind: str, number: float, unit: str | None) -> None:
    found, low, code = first_value(text)
    assert (found, code) == (kind, unit)
    assert low == pytest.approx(number)
