from collections.abc import Iterator

import pytest

from tests.emulator.server import Emulator


@pytest.fixture(scope="module")
def _entra() -> Iterator[Emulator]:
    with Emulator() as started:
        yield started


@pytest.fixture
def entra(_entra: Emulator) -> Emulator:
    """One of our own, which these tests may take down."""
    _entra.reset()
    return _entra
