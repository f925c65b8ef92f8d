"""People with these rights and no others, their browsers, and a record to look at."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from accounts.models import SignIn, User
from accounts.web import entrance

TID = "11111111-1111-4111-8111-111111111111"


def person(email: str, *rights: str, **fields: Any) -> User:
    """A person with these rights ("accounts.view_user"), staff unless said otherwise."""
    user = User.objects.create_user(email, **fields)
    user.user_permissions.add(*permissions(*rights))
    return user


def superuser(email: str = "root@contoso.example", **fields: Any) -> User:
    return person(email, is_superuser=True, **fields)


def group(name: str, *rights: str) -> Group:
    made = Group.objects.create(name=name)
    made.permissions.add(*permissions(*rights))
    return made


def permissions(*rights: str) -> list[Permission]:
    named = [right.split(".") for right in rights]
    return [
        Permission.objects.get(content_type__app_label=app, codename=codename)
        for app, codename in named
    ]


def browser_of(user: User, **more: Any) -> Client:
    """A browser in which this person has signed in; `more` is what their session keeps of it."""
    client = Client(HTTP_HOST="testserver")
    let_in(client, user, **more)
    return client


def let_in(client: Client, user: Any, **more: Any) -> None:
    """Sign in without the way to Microsoft and back."""
    client.force_login(user)
    session = client.session
    entrance.mark(session, SignIn.Method.MICROSOFT)
    session.update(more)
    session.save()


def sign_in(*, at: datetime | None = None, reason: str = "", **fields: Any) -> SignIn:
    """A row of the record; refused when it has a reason."""
    outcome = SignIn.Outcome.REFUSED if reason else SignIn.Outcome.ADMITTED
    values = {"reference": "ABCD-2345", "client_ip": "192.0.2.7", "host": "testserver"}
    return SignIn.objects.create(
        **values | fields, at=at or timezone.now(), outcome=outcome, reason=reason
    )
