"""What to do when Entra gives no token to sign in to Redis or PostgreSQL with (auth=entra)."""

from __future__ import annotations

from typing import Final

SIGN: Final = "no entra token"  # as project.azure begins what it says, in small letters
HINT: Final = (
    "Turn the identity on (App Service > Identity); for a user-assigned one set AZURE_CLIENT_ID to"
    " its client id, for the system's leave it unset."
)
