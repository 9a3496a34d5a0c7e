"""Keeps the journal provable: signed checkpoints at intervals, and the partitions of the months to come.

It reads with the auditor's login and has no master key, so it can run where the database's owner has no say.
"""

from fastapi import FastAPI

from services.keeper.keep import Keeper
from shared.platform.service import Runtime


def build(runtime: Runtime) -> FastAPI:
    """Wires the keeper. Raises CheckpointError where its folder or key cannot be used."""
    keeper = Keeper(runtime.settings, runtime.engine)
    runtime.background.append(keeper.run)
    return runtime.api("priorauth keeper")
