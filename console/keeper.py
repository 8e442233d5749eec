"""Whose word the desk's own changes to handbooks are: its start folder, a demo's samples, a repair of the index."""

from core.gate import Viewer

DESK_KEEPER = Viewer("desk", {"knowledge_owner"})
"""The desk itself, on record as `desk`. It signs in nowhere."""
