"""What gunicorn's master has loaded stays shared: the collector of a worker leaves it alone."""

import gc
import runpy
from typing import Any

import pytest

from tests.servers.environment import deployed_environment
from tests.servers.process import ROOT
from tests.servers.site import CONFIG


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """gunicorn's configuration, read in a deployed site's environment."""
    for name, value in deployed_environment().items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / CONFIG))


def test_what_is_loaded_before_workers_are_forked_is_frozen(config: dict[str, Any]) -> None:
    assert config["preload_app"] is True
    frozen = gc.get_freeze_count()
    try:
        config["when_ready"](None)
        assert gc.get_freeze_count() > max(frozen, 10_000)
    finally:
        if not frozen:
            gc.unfreeze()


def test_the_collector_works_again_when_gunicorn_has_read_its_configuration_anew(
    config: dict[str, Any],
) -> None:
    try:
        with pytest.raises(AttributeError):  # there is no gunicorn to become another
            config["on_reload"](None)
        assert gc.isenabled()
    finally:
        gc.enable()
