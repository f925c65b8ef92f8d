"""Django's password form under ADMIN_PASSWORD_LOGIN, throttled and recorded."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from typing_extensions import override

from ..conf import conf
from ..models import SignIn
from ..signin import record
from . import entrance, request_facts, throttle

if TYPE_CHECKING:
    from django.contrib.auth.forms import AuthenticationForm

    _Base = AuthenticationForm
else:
    _Base = object


@lru_cache(maxsize=8)
def throttled(form: type[AuthenticationForm]) -> type[AuthenticationForm]:
    """The form, with attempts counted."""
    return type(form.__name__, (_Throttled, form), {})


class _Throttled(_Base):
    """Counts attempts by user name and by address before the password is checked."""

    request: HttpRequest

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The focus would take screen readers past the button, which comes first.
        self.fields["username"].widget.attrs.pop("autofocus", None)

    @override
    def clean(self) -> dict[str, Any]:
        """Raises Refused(too_many_attempts) over a limit; a success resets the name's count."""
        # In capitals, as the database compares: a dotless i must not give ten more attempts.
        name = str(self.cleaned_data.get("username") or "").upper()
        address = request_facts.client_network(self.request)
        throttle.PASSWORDS_OF_ONE_ADDRESS.count(address)
        throttle.PASSWORDS_OF_ONE_NAME.count(name)
        cleaned = super().clean()
        throttle.PASSWORDS_OF_ONE_NAME.forget(name)
        return cleaned


def record_admission(request: HttpRequest) -> None:
    """Record the sign-in of the person who just posted the form."""
    entrance.mark(request.session, SignIn.Method.PASSWORD)
    if conf.RECHECK_MINUTES:
        request_facts.end_within_the_hour(request)
    attempt = request_facts.attempt_of(request, SignIn.Method.PASSWORD)
    attempt.email = request.user.get_username()
    entrance.write(request.session)
    record.admit(attempt, request.user.pk)
