"""The requests of the load: all different, all meant to be approved."""

import random
from typing import Final

from tests.support.requests import Note, as_body
from tests.support.spine import spine_facts, spine_note, spine_request

NOTE_BYTES: Final = 2048

_SETTINGS = ("seen in clinic", "seen at a second visit", "seen by telehealth after imaging", "seen with family present")
_DRUGS = ("acetaminophen", "gabapentin", "dexamethasone", "oxycodone", "naproxen", "duloxetine", "senna", "omeprazole")
_HOMES = ("a house with stairs", "an apartment with a lift", "a single-level house", "the home of a daughter")
_WORK = ("taught school", "drove a delivery truck", "kept accounts", "worked as a cook", "ran a small farm")
_REMARKS = (
    "Skin is intact over the planned approach.",
    "Lungs are clear and heart sounds are regular.",
    "The abdomen is soft.",
    "Questions about the recovery were answered at length.",
    "A copy of the imaging was handed to the patient.",
    "The consent form was reviewed line by line.",
    "Transport to the hospital was discussed.",
    "Arrangements for meals after discharge were made.",
    "The pharmacy on file was confirmed.",
    "Follow-up by telephone was offered.",
)


def request_body(seed: int, *, with_note: bool) -> bytes:
    """A PAS request as it goes over the wire: coded facts, or a consultation note of at least 2 KB."""
    if not with_note:
        return as_body(spine_request(seed))
    return as_body(spine_request(seed, with_note=True, notes=[Note(note_text(seed))]))


def note_text(seed: int) -> str:
    """The surgeon's note with the everyday sections around it that decide nothing, until it has 2 KB."""
    pick = random.Random(seed * 2 + 1)
    short = spine_note(spine_facts(seed), seed)
    text = short.data if isinstance(short.data, str) else short.data.decode()
    text += (
        f"\nMEDICATIONS:\n{', '.join(pick.sample(_DRUGS, 5))}.\n"
        f"\nSOCIAL HISTORY:\nThe patient was {pick.choice(_SETTINGS)}, lives in {pick.choice(_HOMES)} and "
        f"{pick.choice(_WORK)} for {pick.randint(8, 40)} years.\n\nREMARKS:\n"
    )
    while len(text.encode()) < NOTE_BYTES:
        text += f"{pick.choice(_REMARKS)} "
    return text
