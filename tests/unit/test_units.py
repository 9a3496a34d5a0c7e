"""Units are converted as UCUM defines them, and what does not measure the same thing is never compared."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.criteria_evaluation.domain.quantities import Interval, convert
from shared.clinical.units import _USUAL, _reader, factor, is_unit


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (5, "d", "wk", 5 / 7),
        (6, "wk", "d", 42),
        (1, "mo", "d", 30.4375),
        (1, "a", "d", 365.25),
        (90, "min", "h", 1.5),
        (7.3, "kPa", "mm[Hg]", 7300 / 133.322387415),
        (0.57, "{L/L}", "%", 57),
        (0.57, "L/L", "%", 57),
        (0.57, "1", "%", 57),
        (6, "ft", "m", 1.8288),
        (71, "[in_i]", "cm", 180.34),
        (250, "lbs", "kg", 113.3980925),
        (43, "[lb_av]/[in_i]2", "kg/m2", 43 * 703.0695796391593),
        (18, "degrees", "deg", 18),
        (0.5, "/min", "/h", 30),
        (31, "{events}/h", "/h", 31),
        (31, "events per hour", "/h", 31),
        (3, "{#}", "{count}", 3),
        (8, "1", "{score}", 8),
        (8, "Points", "{score}", 8),
    ],
)
def test_a_value_is_converted(value: float, unit: str, to: str, expected: float) -> None:
    scale = factor(unit, to)
    assert scale is not None
    assert value * scale == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("unit", "to"),
    [
        ("Cel", "[degF]"),
        ("Cel", "K"),
        ("dB", "1"),
        ("[pH]", "1"),
        ("kg", "m"),
        ("ft", "kg"),
        ("{score}", "%"),
        ("deg", "%"),
        ("1", "deg"),
        ("m", "mo"),
        ("banana", "h"),
        ("10*99999999", "%"),
        ("(" * 500, "h"),
        ("µg", "kg"),
        ("\x00", "h"),
    ],
)
def test_what_does_not_compare_has_no_factor(unit: str, to: str) -> None:
    assert factor(unit, to) is None


def test_an_offset_unit_is_no_unit_of_the_vocabulary() -> None:
    assert not is_unit("Cel")
    assert is_unit("kg/m2")


@given(st.text(max_size=60), st.sampled_from(["h", "%", "kg/m2", "{score}", "mm[Hg]"]))
def test_any_text_may_stand_as_a_unit(unit: str, to: str) -> None:
    scale = factor(unit, to)
    assert scale is None or scale > 0


@given(st.sampled_from(["s", "min", "h", "d", "wk", "mo", "a"]), st.sampled_from(["h", "d", "wk", "mo"]))
def test_there_and_back_is_the_same_number(unit: str, to: str) -> None:
    there, back = factor(unit, to), factor(to, unit)
    assert there is not None
    assert back is not None
    assert there * back == pytest.approx(1)


def test_weeks_and_days_of_the_same_length_are_the_same_interval() -> None:
    assert convert(Interval(42, None, low_open=True), "d", "wk") == Interval(6, None, low_open=True)
    assert convert(Interval(None, 6), "wk", "d") == Interval(None, 42)


def test_the_library_is_loaded_by_the_first_unusual_unit_and_not_by_the_import() -> None:
    code = "import sys, shared.clinical.units as u; assert 'pint' not in sys.modules; u.factor('wk', 'd'); assert 'pint' not in sys.modules; u.factor('/min', '/h'); assert 'pint' in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", _USUAL)
def test_a_usual_unit_is_what_the_library_makes_of_it(code: str) -> None:
    found = _reader()(code)
    assert found is not None
    assert _USUAL[code].kinds == found.kinds
    assert _USUAL[code].size == pytest.approx(found.size, rel=1e-12)
