"""What admins see: people, the Microsoft app, sign-ins, sessions."""

from __future__ import annotations

from accounts.admin import people

__all__ = ["people"]
