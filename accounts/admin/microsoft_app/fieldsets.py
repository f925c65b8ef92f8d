"""The form in parts: one for each kind, of which the app's own stands open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy

from ...naming import as_set_here_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEXT: Final = gettext_lazy(
    "Enter it before the other expires: it takes over as soon as Microsoft no longer accepts the"
    " first."
)
_PARTS: Final[Mapping[str, tuple[tuple[Any, tuple[str, ...], Any], ...]]] = {
    "secret": (
        (gettext_lazy("Client secret"), ("new_secret", "secret_expires"), ""),
        (gettext_lazy("Next secret"), ("new_next_secret", "next_secret_expires"), _NEXT),
    ),
    "certificate": (
        (
            gettext_lazy("Certificate"),
            ("certificate_text", "certificate_file", "certificate_passphrase"),
            gettext_lazy(
                "With its private key, which is kept encrypted. Upload the certificate alone at"
                " Entra, under Certificates & secrets."
            ),
        ),
        (
            gettext_lazy("Next certificate"),
            ("next_certificate_text", "next_certificate_file", "next_certificate_passphrase"),
            _NEXT,
        ),
    ),
    "managed_identity": (
        (
            gettext_lazy("Managed identity"),
            ("managed_identity",),
            gettext_lazy("User-assigned, in the registration's own tenant, and attached here."),
        ),
    ),
    "token_file": (
        (
            gettext_lazy("Token file"),
            (),
            as_set_here_lazy(
                gettext_lazy(
                    "The file's path is the environment's alone, MICROSOFT_TOKEN_FILE: nothing that"
                    " is entered here chooses a file."
                )
            ),
        ),
    ),
}


def of_kind(kind: str) -> list[tuple[Any, dict[str, Any]]]:
    """The fieldsets for an app of this kind."""
    parts: list[tuple[Any, dict[str, Any]]] = [
        (None, {"fields": ("name", "client_id", "tenant", "credential")})
    ]
    for name, found in _PARTS.items():
        classes = () if name == kind else ("collapse",)
        parts += [
            (title, {"fields": fields, "description": text, "classes": classes})
            for title, fields, text in found
        ]
    return [*parts, (gettext_lazy("Limits"), {"fields": ("promote", "domains", "hidden")})]
