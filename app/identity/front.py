"""What strangers read on the first page: nobody is calling yet, so that no procedure tells it."""

from dataclasses import dataclass

from sqlalchemy import Engine

from app.core.system import acting_as_system
from app.models.workspace import ONLY, Workspace

# What a workspace is called until somebody names it.
_UNNAMED = "Latchkey"


@dataclass(frozen=True, slots=True)
class Front:
    """What a workspace says of itself; empty where it says nothing."""

    name: str = ""
    welcome: str = ""


class FrontPage:
    """Reads it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> Front:
        """Give what the workspace says of itself at the moment."""
        with acting_as_system(self._engine, "greet a stranger", reads=True) as session:
            found = session.get(Workspace, ONLY)
            if found is None:
                return Front()
            return Front("" if found.name == _UNNAMED else found.name, found.welcome)
