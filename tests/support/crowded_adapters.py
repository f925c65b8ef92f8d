"""Adapters of somebody else's site: CALLED names what staff's sign-in asked of them."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from typing_extensions import override

CALLED: list[str] = []


class _Told:
    @override
    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__") and name not in ("request", "error_messages"):
            CALLED.append(name)
        return super().__getattribute__(name)


class Account(_Told, DefaultAccountAdapter):
    pass


class Social(_Told, DefaultSocialAccountAdapter):
    pass
