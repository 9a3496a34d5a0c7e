"""The master key of the settings, with those before it."""

from pydantic import SecretBytes

from shared.journal.crypto import MasterKey
from shared.platform.settings import Settings


def master_of(settings: Settings, current: SecretBytes) -> MasterKey:
    """Opens what any of the settings' master keys wrapped, and wraps with ``current``.

    Raises:
        ValueError: the current key and a previous one have the same id.
    """
    previous = {name: key.get_secret_value() for name, key in settings.previous_master_keys.items()}
    return MasterKey(current.get_secret_value(), settings.master_key_id, previous)
