"""The viewer that the desk itself changes handbooks as: its start folder, a demo's samples, a repair of the index."""

from core.gate import Viewer

DESK_KEEPER = Viewer("desk", {"knowledge_owner"})
"""On record as `desk`. The sign-in does not offer it to people."""
