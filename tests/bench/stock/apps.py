"""The same user model, without what this project adds at start-up."""

from typing_extensions import override

from accounts.apps import AccountsConfig


class PeopleConfig(AccountsConfig):
    @override
    def ready(self) -> None:
        """No checks, no receivers."""
