"""Spellings that are one word for the lexicon: British and American, and abbreviations that stand for a single word."""

from typing import Final

from services.criteria_evaluation.domain.extract.words import Tokens

SPELLINGS: Final[dict[str, str]] = {
    "anaesthesia": "anesthesia",
    "anaesthetic": "anesthetic",
    "apnoea": "apnea",
    "apnoeas": "apneas",
    "bilat": "bilateral",
    "colour": "color",
    "counselled": "counseled",
    "counselling": "counseling",
    "dyslipidaemia": "dyslipidemia",
    "favour": "favor",
    "favours": "favors",
    "gray": "gy",
    "grays": "gy",
    "haematocrit": "hematocrit",
    "haemorrhage": "hemorrhage",
    "hypercholesterolaemia": "hypercholesterolemia",
    "hyperlipidaemia": "hyperlipidemia",
    "hypertriglyceridaemia": "hypertriglyceridemia",
    "hypopnoea": "hypopnea",
    "hypopnoeas": "hypopneas",
    "infxn": "infection",
    "infxns": "infections",
    "ischaemic": "ischemic",
    "labelled": "labeled",
    "labelling": "labeling",
    "nl": "normal",
    "nml": "normal",
    "oedema": "edema",
    "oesophageal": "esophageal",
    "optimised": "optimized",
    "osteolyses": "osteolysis",
    "paralysed": "paralyzed",
    "prelim": "preliminary",
    "sev": "severe",
    "stabilised": "stabilized",
    "std": "standard",
    "tumour": "tumor",
    "tumours": "tumors",
    "unl": "normal",
    "wnl": "normal",
    "wo": "without",
    "ø": "no",
}
"""Only where no pattern needs to tell the two apart."""


def with_or_without(tokens: Tokens, i: int) -> tuple[str, int] | None:
    """The word that ``w/`` or ``w/o`` at ``i`` stands for, and the index after it."""
    if tokens.word(i + 1) != "/" or tokens.ends[i] != tokens.starts[i + 1]:
        return None
    if tokens.word(i + 2) in ("o", "out") and tokens.ends[i + 1] == tokens.starts[i + 2]:
        return "without", i + 3
    return "with", i + 2
