"""One click: the Microsoft app as it was before its last change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ...operate import microsoft_app
from .. import advice
from ..model_admin import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from allauth.socialaccount.models import SocialApp
    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse


def page(admin: ModelAdmin[SocialApp]) -> Callable[..., HttpResponse]:
    """POST: what Microsoft refuses by now is put back only when that is confirmed."""

    @require_POST
    def undo(request: HttpRequest, app_id: int) -> HttpResponse:
        if not admin.has_change_permission(request):
            raise PermissionDenied
        app = admin.get_object(request, str(app_id))
        after = microsoft_app.undone(app) if app else None
        if app is None or after is None:
            messages.warning(request, _("There is nothing to undo."))
            return HttpResponseRedirect(reverse("admin:socialaccount_socialapp_changelist"))
        return _undone(admin, request, app, after)

    return undo


def _undone(
    admin: ModelAdmin[SocialApp], request: HttpRequest, app: SocialApp, after: SocialApp
) -> HttpResponse:
    # Imported here: the probes are heavy, and nothing else in admin needs them.
    from ...operate.doctor import before_saving

    judgement = before_saving.of_saving(after, app)
    if judgement.digest not in ("", request.POST.get("confirmed", "")):
        context = {"judgement": advice.judgement_in_admin(judgement), "subject": app}
        return render(request, "socialapp/undo.html", _("Undo the last change"), context, admin)
    microsoft_app.remember_tests(after, judgement.tests)
    with transaction.atomic():
        if microsoft_app.is_as_read(app):
            after.save()
            admin.log_change(request, after, "Undid the last change.")
            messages.success(request, _("The app is as it was before its last change."))
        else:
            text = _("Someone has changed the app meanwhile. Look at it again.")
            messages.warning(request, text)
    url = reverse("admin:socialaccount_socialapp_change", args=[app.pk])
    return HttpResponseRedirect(url)
