"""A value belongs to the circumstances that stand beside it, as the lexicon's contexts say."""

import pytest

from services.criteria_evaluation.domain.extract import extract
from services.criteria_evaluation.domain.lexicon import Lexicon, load_lexicon
from shared.clinical.model import Document
from shared.policy import PolicyFile

_LEXICON = """
id: test
version: "1"
facts:
  rest: {type: quantity, unit: "%", range: [0, 100]}
  walking: {type: quantity, unit: "%", range: [0, 100]}
  goal: {type: quantity, unit: "%", range: [0, 100]}
contexts:
  room-air: {group: oxygen, reach: section, patterns: ['ra', 'room air', 'without oxygen']}
  on-oxygen: {group: oxygen, reach: section, patterns: ['on <flow>', '<flow>', 'on|with oxygen']}
  at-rest: {group: state, patterns: ['rest', 'resting']}
  exercise: {group: state, patterns: ['walking', 'exertion', 'ambulation']}
  aim: {reach: clause, patterns: ['goal', 'target']}
targets:
  - {id: rest, fact: rest, requires: [at-rest, room-air], excludes: [aim], patterns: ['spo2 ~25 <pct>', '<pct>']}
  - {id: walking, fact: walking, requires: [exercise, room-air], excludes: [aim], patterns: ['spo2 ~25 <pct>', '<pct>']}
  - {id: goal, fact: goal, requires: [aim], patterns: ['<pct>']}
"""


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([PolicyFile("test.yaml", _LEXICON)])


@pytest.mark.parametrize(
    ("text", "rest", "walking", "goal"),
    [
        ("SpO2 86% at rest on room air, 82% walking, 94% on 2 L.", 86, 82, None),
        ("On room air SpO2 86% at rest and 82% with exertion.", 86, 82, None),
        ("SpO2 86% at rest, 82% walking, all on room air.", 86, 82, None),
        ("SpO2 at rest: 86% on room air 94% on 2 L", 86, None, None),
        ("SpO2 at rest: RA 86% on 2 L 94%", 86, None, None),
        ("At rest SpO2 94% on 2 L; 86% on RA.", 86, None, None),
        ("At rest without oxygen 86%, goal 92%.", 86, None, 92),
        ("Measured on room air. Resting 86%. Walking 82%.", 86, 82, None),
        ("ROOM AIR\nResting 86%.\nON OXYGEN\nResting 95%.", 86, None, None),
        ("Resting 86%.", None, None, None),
        ("| | Rest | Walking |\n|---|---|---|\n| SpO2 RA | 86% | 82% |\n| SpO2 on 2 L | 95% | 93% |", 86, 82, None),
        ("| Condition | SpO2 |\n| Rest, room air | 86% |\n| Walking, RA | 82% |\n| Rest, on 2 L | 95% |", 86, 82, None),
    ],
)
def test_a_value_takes_the_contexts_that_stand_nearest(
    lexicon: Lexicon, text: str, rest: float | None, walking: float | None, goal: float | None
) -> None:
    facts = extract([Document("note", text)], [], lexicon)
    found = {name: fact.low if fact.status == "known" else fact.status for name, fact in facts.items()}
    assert found == {k: v for k, v in (("rest", rest), ("walking", walking), ("goal", goal)) if v is not None}
    for source in (source for fact in facts.values() for source in fact.sources):
        assert source.start is not None and source.quote == text[source.start : source.end]
