"""Write an entry for each change of people, groups, identities and Microsoft apps.

By signals of the models, so that pages, commands and shells are covered alike. QuerySet.update
sends none: nothing in this app uses it on watched fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from ..protection import secretbox
from ..users import email_field
from .actor import present
from .record import write

_BEFORE: Final = "_audit_before"
_UNWATCHED: Final = ("last_login", "session_version")
_RIGHTS: Final = ("is_active", "is_staff", "is_superuser")
_CLAIMS: Final = ("preferred_username", "email", "name")
_FLAGS: Final = {ADDITION: "admin.added", DELETION: "admin.deleted"}
_IDENTITY: Final = {"added": "identity.linked", "deleted": "identity.unlinked"}


def connect() -> None:
    """Called once, when the app is ready."""
    user = get_user_model()
    for model in (user, Group, SocialAccount, SocialApp):
        pre_save.connect(_remember, sender=model)
        post_save.connect(_saved, sender=model)
        post_delete.connect(_deleted, sender=model)
    post_save.connect(_admin_log_written, sender=LogEntry)
    of_users = [getattr(user, name, None) for name in ("groups", "user_permissions")]
    for field in (*of_users, Group.permissions):
        if through := getattr(field, "through", None):
            m2m_changed.connect(_rights_changed, sender=through)


def _remember(sender: type[Model], instance: Any, update_fields: Any = None, **kwargs: Any) -> None:
    """Keep the stored values before a save, unless it saves no watched field."""
    if present().silent or instance._state.adding or _saves_nothing_watched(sender, update_fields):
        return
    old = sender._default_manager.filter(pk=instance.pk).first()
    setattr(instance, _BEFORE, _facts(old) if old else None)


def _saved(sender: type[Model], instance: Any, created: bool, **kwargs: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    if present().silent:
        return
    if created:
        write(_action(sender, "added"), _subject(instance), after=_recordable(_facts(instance)))
    elif before is not None:
        _write_change(sender, instance, before, _facts(instance))


def _deleted(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    if not present().silent:
        write(_action(sender, "deleted"), _subject(instance), before=_recordable(_facts(instance)))


def _write_change(
    sender: type[Model], instance: Any, old: Mapping[str, Any], new: Mapping[str, Any]
) -> None:
    changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if not changed:
        return
    before = _recordable({name: old.get(name) for name in changed})
    after = _recordable({name: new.get(name) for name in changed}, new=True)
    is_person = _kind(sender) == "person"
    action = _change_of_person(changed) if is_person else _action(sender, "changed")
    write(action, _subject(instance), before=before, after=after)


def _rights_changed(
    sender: Any, instance: Any, action: str, reverse: bool, model: Any, pk_set: Any, **kwargs: Any
) -> None:
    """Groups and permissions given or taken, from either side of the relation."""
    if present().silent or action not in ("post_add", "post_remove", "pre_clear"):
        return
    if action == "pre_clear":
        pk_set = _linked_keys(sender, instance, reverse)
    others = list(model._default_manager.filter(pk__in=pk_set or ()))
    pairs = [(other, [instance]) for other in others] if reverse else [(instance, others)]
    for holder, rights in pairs:
        if rights:
            _write_rights(holder, rights, given=action == "post_add")


def _write_rights(holder: Any, rights: list[Any], *, given: bool) -> None:
    names = sorted(_right_name(right) for right in rights)
    field = "permissions" if isinstance(rights[0], Permission) else "groups"
    kind = "group" if isinstance(holder, Group) else "person"
    after, before = ({field: names}, None) if given else (None, {field: names})
    write(f"{kind}.rights_changed", holder, before=before, after=after)


def _linked_keys(through: Any, instance: Any, reverse: bool) -> list[Any]:
    """The keys on the other side, before they are cleared."""
    ends = [f for f in through._meta.fields if f.is_relation]
    own = next(f for f in ends if isinstance(instance, f.related_model))
    other = next(f for f in ends if f is not own)
    rows = through._default_manager.filter(**{own.name: instance.pk})
    return list(rows.values_list(other.attname, flat=True))


def _admin_log_written(instance: LogEntry, created: bool, **kwargs: Any) -> None:
    """Copy admin's own history, which Django deletes with its author."""
    if not created or present().silent:
        return
    kind = instance.content_type.model_class() if instance.content_type else None
    key = str(instance.object_id or "")
    about = key if kind is get_user_model() else ""
    after = {
        "kind": kind._meta.label_lower if kind else "",
        "key": key,
        "name": instance.object_repr,
    }
    action = _FLAGS.get(instance.action_flag, "admin.changed")
    write(action, after=after, note=instance.get_change_message(), about=about)


def _saves_nothing_watched(sender: type[Model], update_fields: Any) -> bool:
    """Such as last_login at each sign-in, which must not cost another query."""
    watched = {field.name for field in sender._meta.concrete_fields} - set(_UNWATCHED)
    return update_fields is not None and not watched & set(update_fields)


def _kind(model: type[Model]) -> str:
    kinds: dict[Any, str] = {Group: "group", SocialAccount: "identity", SocialApp: "app"}
    return kinds.get(model, "person")


def _action(model: type[Model], what: str) -> str:
    kind = _kind(model)
    return _IDENTITY.get(what, "identity.linked") if kind == "identity" else f"{kind}.{what}"


def _subject(instance: Any) -> Model:
    subject: Model = instance.user if isinstance(instance, SocialAccount) else instance
    return subject


def _facts(instance: Any) -> dict[str, Any]:
    """The watched values by name, with secrets, which `_recordable` takes out."""
    if isinstance(instance, SocialAccount):
        claims = instance.extra_data if isinstance(instance.extra_data, dict) else {}
        return {"identity": instance.uid, **{n: claims.get(n, "") for n in _CLAIMS}}
    fields = [f for f in instance._meta.concrete_fields if f.name not in _UNWATCHED]
    facts = {f.name: f.value_from_object(instance) for f in fields if not f.primary_key}
    if isinstance(instance, SocialApp):
        facts |= {f"settings.{name}": value for name, value in facts.pop("settings").items()}
    return {name: _decrypted(name, value) for name, value in facts.items()}


def _decrypted(name: str, value: Any) -> Any:
    """Decrypted, since encrypting a secret again does not change it."""
    if not secretbox.is_secret(name) or not isinstance(value, str):
        return value
    try:
        return secretbox.decrypt(value)
    except secretbox.Unreadable:
        return value


def _recordable(facts: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
    """The values to write: of a secret only whether it is set."""
    is_set = "set anew" if new else "set"
    return {
        name: (is_set if _is_usable(value) else "none") if secretbox.is_secret(name) else value
        for name, value in facts.items()
    }


def _is_usable(secret: Any) -> bool:
    return bool(secret) and not str(secret).startswith(UNUSABLE_PASSWORD_PREFIX)


def _right_name(right: Any) -> str:
    if isinstance(right, Permission):
        kind = ContentType.objects.get_for_id(right.content_type_id)  # cached
        return f"{kind.app_label}.{right.codename}"
    return str(right)


def _change_of_person(changed: list[str]) -> str:
    """The action for the most serious of these changes."""
    user = get_user_model()
    names = {user.USERNAME_FIELD, email_field()}
    if set(changed) & set(_RIGHTS):
        return "person.rights_changed"
    if set(changed) & names:
        return "person.address_changed"
    return "person.password_changed" if "password" in changed else "person.changed"
