"""Finding what the modules of a package define, so that nothing is written and then forgotten."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TypeVar

Kind = TypeVar("Kind")


def defined_in(package: ModuleType, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    """Yield each object of a kind in a package's modules, with the module's name."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, kind):
                yield module.name, value
