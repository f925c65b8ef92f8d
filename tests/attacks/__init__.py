"""Attacks on the running site: see scene.py, whose assertions show values as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.attacks.scene")
