"""The site's users as candidates of the policy, indexed for a file of many people."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.db.models import OuterRef

from .. import users
from ..signin import bindings
from ..signin.identities import identity_of_user
from ..signin.policy import Candidate, same_email

_CHUNK: Final = 500


class Candidates:
    """Users by identity, by object ID and by address."""

    def __init__(self, users: Iterable[Candidate]) -> None:
        self.by_identity: dict[str, Candidate] = {}
        self._by_object_id: defaultdict[str, list[Candidate]] = defaultdict(list)
        self._by_normalized: defaultdict[str, list[Candidate]] = defaultdict(list)
        for user in users:
            self._by_normalized[normalized(user.email)].append(user)
            if user.identity:
                self.by_identity[user.identity] = user
                self._by_object_id[bindings.read(user.identity).oid].append(user)

    def alike(self, email: str) -> Sequence[Candidate]:
        """Users whose address is equal or looks alike."""
        return self._by_normalized.get(normalized(email), ()) if email else ()

    def with_email(self, email: str) -> list[Candidate]:
        """Users with this address, ignoring ASCII case."""
        return [user for user in self.alike(email) if same_email(user.email, email)]

    def with_identity(self, value: str) -> Sequence[Candidate]:
        """Users with this uid or object ID."""
        bound = self.by_identity.get(value)
        return self._by_object_id.get(value) or ([bound] if bound else [])


def normalized(email: str) -> str:
    """An address without differences in case, blanks and compatibility forms."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def all_candidates() -> Iterator[Candidate]:
    """Every user as a candidate of the policy."""
    found = users.everyone().annotate(bound_identity=identity_of_user(OuterRef("pk")))
    for user in found.iterator(chunk_size=_CHUNK):
        yield Candidate(
            user.pk,
            users.email_of(user),
            user.bound_identity or "",
            user.is_active,
            users.is_staff(user),
            users.is_superuser(user),
        )
