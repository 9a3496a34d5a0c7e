"""The payer as letters print it, from the settings."""

from shared.letters.from_case import Sender
from shared.letters.model import Contact
from shared.platform.settings import Settings


def sender_of(settings: Settings) -> Sender:
    """The payer's name and how to reach it."""
    return Sender(
        settings.payer_name,
        (
            Contact("questions", settings.contact_questions),
            Contact("information", settings.contact_information),
            Contact("peer_to_peer", settings.contact_peer_to_peer),
            Contact("appeal", settings.contact_appeal),
        ),
    )
