"""Everything in admin and on the command line that changes something, and the entry it leaves."""

READS = "-"

# URL names of admin; an action of a list stands as "list: action".
IN_ADMIN = {
    "accounts_user_add": "person.added",
    "accounts_user_add_several": "person.added",
    "accounts_user_change": "person.changed, person.address_changed, person.rights_changed",
    "accounts_user_delete": "person.deleted",
    "accounts_user_relink": "identity.linked, identity.unlinked, sessions.ended",
    "accounts_user_changelist: delete_selected": "person.deleted",
    "accounts_user_changelist: add_to_group": "person.rights_changed",
    "accounts_user_changelist: sign_out": "sessions.ended",
    "accounts_user_changelist: deactivate": "person.rights_changed, sessions.ended",
    "accounts_user_changelist: reactivate": "person.rights_changed",
    "accounts_user_changelist: unlink": "identity.unlinked, sessions.ended",
    "auth_user_password_change": "person.password_changed",
    "password_change": "person.password_changed",
    "auth_group_add": "group.added",
    "staff_help_desk": "group.added, group.rights_changed",
    "auth_group_change": "group.changed, group.rights_changed",
    "auth_group_delete": "group.deleted",
    "auth_group_changelist: delete_selected": "group.deleted",
    "socialaccount_socialapp_add": "app.added",
    "socialaccount_socialapp_change": "app.changed",
    "socialaccount_socialapp_delete": "app.deleted",
    "socialaccount_socialapp_undo": "app.changed",
    "staff_rehearsal": "identity.linked, export.people",
    "staff_moves": "identity.linked, person.address_changed, export.people",
    "staff_own_sessions": "sessions.ended",
    "staff_sessions_end": "sessions.ended",
    "accounts_signin_export": "export.sign_ins",
    "accounts_auditentry_export": "export.audit",
    "staff_rights_export": "export.rights",
    "accounts_rolemapping_add": "role.mapped",
    "accounts_rolemapping_change": "role.mapped",
    "accounts_rolemapping_delete": "role.unmapped",
}
ADMIN_READS = {
    "index", "login", "logout", "jsi18n", "autocomplete", "app_list", "view_on_site",
    "password_change_done",
    "accounts_user_changelist", "accounts_user_history",
    "accounts_user_sign_out", "accounts_user_deactivate", "accounts_user_reactivate",
    "accounts_user_unlink",
    "accounts_signin_changelist", "accounts_signin_history", "accounts_signin_add",
    "accounts_signin_change", "accounts_signin_delete",
    "accounts_auditentry_changelist", "accounts_auditentry_history", "accounts_auditentry_add",
    "accounts_auditentry_change", "accounts_auditentry_delete",
    "staff_sessions", "break_glass",
    "staff_rights", "accounts_rolemapping_changelist", "accounts_rolemapping_history",
    "auth_group_changelist", "auth_group_history",
    "socialaccount_socialapp_changelist", "socialaccount_socialapp_history",
    "socialaccount_socialapp_test",
    "socialaccount_socialapp_test_one",
}  # fmt: skip

COMMANDS = {
    "staff add": "person.added, person.rights_changed, identity.linked",
    "staff deactivate": "person.rights_changed, sessions.ended",
    "staff reactivate": "person.rights_changed",
    "staff unlink": "identity.unlinked, sessions.ended, export.people",
    "staff relink": "identity.linked, identity.unlinked, person.address_changed, sessions.ended,"
    " export.people",
    "staff adopt": "identity.linked, export.people",
    "staff erase": "person.erased",
    "staff list": "export.people",
    "staff preview": "identity.linked, export.people",
    "sessions list": READS,
    "sessions end": "sessions.ended",
    "sign_ins": "export.sign_ins, sign_ins.pruned",
    "audit list": "export.audit",
    "audit verify": "audit.acknowledged",
    "break_glass": "break_glass.made",
    "microsoft_app set": "app.added, app.changed",
    "microsoft_app register": READS,
    "microsoft_app show": READS,
    "microsoft_app test": READS,
    "roles list": READS,
    "roles preview": READS,
    "roles set": "role.mapped, role.unmapped",
    "demo": "person.added",
    "doctor": READS,
    "entra_emulator": READS,
    "migrate": READS,
}
# Django's and allauth's own commands that write people, by way of the same models.
OTHERS = {
    "createsuperuser": "person.added",
    "changepassword": "person.password_changed",
    "shell": "whatever is saved or deleted in it",
}
ELSEWHERE = {
    "a first sign-in with Microsoft": "identity.linked",
    "a break-glass link is used": "break_glass.used",
    "a sign-in with other app roles": "person.rights_changed",
    "anything saved in admin, other apps' pages included": (
        "admin.added, admin.changed, admin.deleted"
    ),
}


def table() -> str:
    """The table of docs/audit.md."""
    rows = [
        *((f"admin `{where}`", left) for where, left in IN_ADMIN.items()),
        *((f"`./manage.py {c}`", left) for c, left in COMMANDS.items() if left != READS),
        *((f"`./manage.py {c}`", left) for c, left in OTHERS.items()),
        *ELSEWHERE.items(),
    ]
    lines = [f"| {where} | {_code(left)} |" for where, left in rows]
    return "\n".join(["| what is done | entries |", "| --- | --- |", *lines])


def _code(left: str) -> str:
    return ", ".join(f"`{name}`" for name in left.split(", ")) if "." in left else left
