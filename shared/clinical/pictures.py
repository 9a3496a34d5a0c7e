"""The one-line picture of a case: what the chart shows, as a fragment after "for", from tables alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.clinical.model import Facts
from shared.clinical.phrases import phrase
from shared.clinical.wording import say, say_list


@dataclass(frozen=True, slots=True)
class _Said:
    """A fact as a fragment of a sentence: by its value (``yes``/``no`` for a boolean), or with ``{}`` for any value."""

    fact: str
    words: Mapping[str, str] = field(default_factory=dict)
    pattern: str | None = None

    def fill(self, facts: Facts) -> str | None:
        fact = facts.get(self.fact)
        if fact is None or fact.status != "known":
            return None
        if isinstance(fact.value, bool):
            return self.words.get("yes" if fact.value else "no")
        said = say(fact)
        if isinstance(fact.value, str) and fact.value in self.words:
            return self.words[fact.value]
        return self.pattern.format(said) if said and self.pattern is not None else None


_Choice = tuple[_Said, ...]
"""The first of them that the chart decides is said."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A finding with its cause and place, then details as a list."""

    cause: _Choice
    finding: _Choice
    place: _Choice
    details: tuple[_Choice, ...]


_SPINE: Final = _Picture(
    cause=(
        _Said(
            "spine.fracture_cause",
            {"malignancy": "pathologic", "osteoporosis": "osteoporotic", "trauma": "traumatic"},
        ),
    ),
    finding=(
        _Said("spine.fracture_pattern", {"burst": "burst fracture", "compression": "compression fracture"}),
        _Said("spine.fracture_cause", {"malignancy": "fracture", "osteoporosis": "fracture", "trauma": "fracture"}),
        _Said("spine.lesion_on_imaging", {"yes": "tumor lesion"}),
    ),
    place=(_Said("spine.lesion_levels", pattern="{}"), _Said("spine.requested_levels", pattern="{}")),
    details=(
        (_Said("spine.instability", {"yes": "spinal instability"}), _Said("spine.sins_total", pattern="a SINS of {}")),
        (
            _Said("spine.canal_compromise_percent", pattern="a canal narrowed by {}"),
            _Said("spine.canal_compromise", {"yes": "a narrowed canal"}),
        ),
        (_Said("spine.retropulsion", {"yes": "retropulsed bone"}),),
        (_Said("neuro.motor_deficit", {"yes": "a neurological deficit", "no": "no neurological deficit"}),),
        (
            _Said("pain.mechanical", {"yes": "mechanical pain"}),
            _Said("pain.score", pattern="pain of {} on a scale of 10"),
        ),
    ),
)
_CANCER: Final = _Said("oncology.primary", {"unknown_primary": "cancer of unknown primary"}, "{} cancer")
_TUMOR_NOUNS: Final = frozenset({"melanoma", "sarcoma", "myeloma", "lymphoma"})

_LISTS: Final[tuple[tuple[_Choice, ...], ...]] = (
    (
        (_Said("sleep.ahi", pattern="an apnea-hypopnea index of {}"),),
        (_Said("symptom.daytime_sleepiness", {"yes": "sleepiness by day"}),),
        (_Said("condition.hypertension", {"yes": "hypertension"}),),
        (_Said("symptom.insomnia", {"yes": "insomnia"}),),
        (_Said("symptom.mood_disorder", {"yes": "a mood disorder"}),),
        (_Said("symptom.impaired_cognition", {"yes": "impaired cognition"}),),
        (_Said("condition.ischemic_heart_disease", {"yes": "ischemic heart disease"}),),
        (_Said("condition.stroke", {"yes": "a history of stroke"}),),
    ),
    (
        (
            _Said("oxygen.sao2_rest", pattern="an oxygen saturation of {} at rest"),
            _Said("oxygen.pao2_rest", pattern="an arterial oxygen pressure of {} at rest"),
        ),
        (_Said("oxygen.sao2_exercise", pattern="a saturation of {} on exertion"),),
        (_Said("oxygen.sao2_asleep", pattern="a saturation of {} asleep"),),
        (_Said("oxygen.cor_pulmonale", {"yes": "pulmonary hypertension or cor pulmonale"}),),
        (_Said("oxygen.edema_heart_failure", {"yes": "edema that suggests heart failure"}),),
        (_Said("lab.hematocrit", pattern="a hematocrit of {}"),),
    ),
    (
        (_Said("body.bmi", pattern="a body mass index of {}"),),
        (_Said("obesity.comorbidity", {"yes": "disease related to obesity", "no": "no disease related to obesity"}),),
        (_Said("obesity.medical_treatment_failed", {"yes": "medical treatment without lasting effect"}),),
    ),
    (
        (
            _Said("wound.wagner_grade", pattern="a diabetic wound of Wagner grade {}"),
            _Said("wound.lower_extremity", {"yes": "a diabetic wound of the leg or foot"}),
        ),
        (_Said("wound.standard_care_duration", pattern="{} of standard care"),),
        (_Said("wound.healing_measurable", {"yes": "measurable healing", "no": "no measurable healing"}),),
    ),
    (
        (_Said("hearing.bilateral_sensorineural", {"yes": "bilateral sensorineural hearing loss"}),),
        (_Said("hearing.aided_sentence_score", pattern="a best-aided sentence score of {}"),),
    ),
    ((_Said("spine.fusion_indication", pattern="{} as the reason for fusion"),),),
)
"""Findings of the other families in the order in which they are told."""

MOST_FACTS: Final = 6
"""How many facts a picture lists for a case that no table pictures."""


def picture(facts: Facts, used: Iterable[str], named: Iterable[str]) -> str:
    """The case in one line, from what the chart says and nothing else; empty where it says nothing of use.

    ``named`` are the facts that the criteria look at: a chart may tell of a fracture that has nothing to do with the
    request. ``used`` are those that carried the conclusion, for cases that no table pictures.
    """
    looked_at = frozenset(named)
    if any(said.fact in looked_at for said in _SPINE.finding):
        pictured = _spine(facts)
        if pictured:
            return pictured
    for choices in _LISTS:
        said = tuple(text for choice in choices if (text := _first(_of(choice, looked_at), facts)) is not None)
        if said:
            return say_list(said)
    known = [f for name in used if (f := facts.get(name)) is not None and f.status == "known"]
    return "; ".join(phrase(fact) for fact in known[:MOST_FACTS])


def _of(choice: _Choice, looked_at: frozenset[str]) -> _Choice:
    return tuple(said for said in choice if said.fact in looked_at)


def _spine(facts: Facts) -> str | None:
    finding = _first(_SPINE.finding, facts)
    if finding is None:
        return None
    text = " ".join(filter(None, (_first(_SPINE.cause, facts), finding)))
    text = f"{'an' if text[0] in 'aeiou' else 'a'} {text}"
    place = _first(_SPINE.place, facts)
    if place:
        text += f" at {place}"
    origin = _origin(facts)
    if origin:
        text += f" from {origin}"
    details = tuple(said for choice in _SPINE.details if (said := _first(choice, facts)))
    return f"{text} with {say_list(details)}" if details else text


def _first(choice: _Choice, facts: Facts) -> str | None:
    return next((said for option in choice if (said := option.fill(facts)) is not None), None)


def _origin(facts: Facts) -> str | None:
    """Where the tumor comes from; said only where the chart confirms that there is one."""
    confirmed, primary = facts.get("oncology.malignancy_confirmed"), facts.get("oncology.primary")
    if confirmed is None or confirmed.status != "known" or confirmed.value is not True:
        return None
    if primary is None or primary.status != "known" or primary.value == "other":
        return "a confirmed malignancy"
    if primary.value in _TUMOR_NOUNS:
        return str(primary.value)
    return _CANCER.fill(facts)
