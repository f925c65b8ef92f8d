"""Accounts at Microsoft that are the attacker's own, with the claims that the attacker wants."""

from functools import partial
from typing import Any

from tests.attacks.scene import Attack, Scene
from tests.emulator.people import Person
from tests.support.visitor import Page


def as_someone(scene: Scene, **fields: Any) -> Page:
    """An account at Microsoft that the attacker controls, with the claims they want."""
    scene.emulator.register_person(Person("attacker", "Mallory", **fields))
    return scene.sign_in("attacker")


def someone(sentence: str, reason: str, source: str, **fields: Any) -> Attack:
    return Attack(sentence, partial(as_someone, **fields), reason, source, redeemed=1)
