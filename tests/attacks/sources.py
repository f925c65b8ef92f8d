"""Browsers at other addresses: this machine has all of 127.0.0.0/8."""

from typing import Any

from requests.adapters import HTTPAdapter
from typing_extensions import override

from tests.support.visitor import Visitor


class _From(HTTPAdapter):
    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, source_address=(self._address, 0))


def from_address(visitor: Visitor, address: str) -> Visitor:
    """The same browser, at another address."""
    visitor.http.mount("http://", _From(address))
    return visitor
