"""Django's sessions in the database, hashed and sealed as those in Redis; for development."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from typing_extensions import override

from .entries import name_of, opened_entry, sealed_entry

if TYPE_CHECKING:
    from django.contrib.sessions.base_session import AbstractBaseSession


class SessionStore(db.SessionStore):
    # Django's own look for a row under the cookie's value; these call the methods below.
    aload = SessionBase.aload
    aexists = SessionBase.aexists
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    adelete = SessionBase.adelete

    @override
    def load(self) -> dict[str, Any]:
        """The session's data; {} and no key when there is none."""
        name = name_of(self.session_key)
        rows = self.model.objects.filter(session_key=name, expire_date__gt=timezone.now())
        data = opened_entry(name, rows.values_list("session_data", flat=True).first())
        if data is None:
            self._session_key = None
        return data or {}

    @override
    def exists(self, session_key: str) -> bool:
        return super().exists(name_of(session_key))

    @override
    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = name_of(row.session_key)
        row.session_data = sealed_entry(row.session_key, data)
        return row

    @override
    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(name_of(key))
