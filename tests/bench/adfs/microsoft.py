"""django-auth-adfs at the local Microsoft, whose access tokens are no JWTs."""

from typing import Any

from django_auth_adfs.backend import AdfsAuthCodeBackend
from typing_extensions import override


class IdTokenBackend(AdfsAuthCodeBackend):
    """Its own back-end, given the id_token where it looks for the access token."""

    @override
    def exchange_auth_code(self, authorization_code: str, request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = super().exchange_auth_code(  # type: ignore[no-untyped-call]
            authorization_code, request
        )
        return {**answer, "access_token": answer["id_token"]}
