"""Seed the people whom the local Entra emulator offers. Development only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from typing_extensions import override

from ...models import User
from ...operate.output import OperatorCommand

PEOPLE: dict[str, dict[str, Any]] = {
    "staff@contoso.example": {"name": "Sam Staff", "is_superuser": True},
    "staff2@contoso.example": {"name": "Sasha Staff", "is_superuser": True},
    "editor@contoso.example": {"name": "Eda Editor"},
    "inactive@contoso.example": {"name": "Ina Inactive", "is_active": False},
    "notstaff@contoso.example": {"name": "Nora Not-Staff", "is_staff": False},
    "guest@fabrikam.example": {"name": "Gus Guest"},
    "other@fabrikam.example": {"name": "Otto Other"},
    "promoted@contoso.example": {"name": "Petra Promoted"},
    "demoted@contoso.example": {"name": "Dirk Demoted", "is_superuser": True},
    "overage@contoso.example": {"name": "Olga Overage", "is_superuser": True},
    "wrong-type@contoso.example": {"name": "Wim Wrong-Type"},
    "group-ids@contoso.example": {"name": "Gina Groups"},
    "display-name@contoso.example": {"name": "Dora Display"},
    "near-miss@contoso.example": {"name": "Nils Near-Miss"},
    "no-roles@contoso.example": {"name": "Nele No-Roles"},
}


class Command(OperatorCommand):
    """Creates the demo people, without passwords; running it again changes nothing."""

    help = "Seed demo people for the local Entra emulator. Example: ./manage.py demo"

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("demo works only with DEBUG=true: it adds made-up staff.")
        if User._meta.swapped:
            raise CommandError("demo adds people to this project's own user model: use staff add.")
        for email, fields in PEOPLE.items():
            if not User.objects.filter(email__iexact=email).exists():
                User.objects.create_user(email, **fields)
        self.stdout.write(f"{len(PEOPLE)} demo people exist.")
