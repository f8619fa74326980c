"""A table of calls whose parameters do not matter, for tests of what is sent rather than of what may be."""

from collections.abc import Mapping
from typing import Any

from collector.spec.permitted import Permitted


class AnyParameters(Permitted):
    """The calls it is made of, with whatever parameters; without any, every call, and every model is kept whole."""

    def __contains__(self, operation: tuple[str, str]) -> bool:
        return not any(True for _ in self) or super().__contains__(operation)

    def require(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        if (service, operation) not in self:
            super().require(service, operation, params)
