"""What doctor knows of errors is there on any site."""

import importlib.util
import sys

import pytest


def test_a_site_without_psycopg_has_doctor_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """With SQLite or MySQL nothing installs it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.find_spec("accounts.operate.doctor.causes")
    assert spec is not None
    assert spec.loader is not None
    causes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(causes)
    assert causes.code_of(TimeoutError()) == "timeout"
