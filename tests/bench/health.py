from django.http import HttpRequest, HttpResponse


def healthz(request: HttpRequest) -> HttpResponse:
    """What tests/servers/site.py waits for."""
    return HttpResponse("ok")
