"""Names that nobody reads: told when the right one is missing, a warning when it is there."""

import pytest

from accounts.configuration.table import BadEnvironment
from project import variables
from tests.unit.project.test_env import GOOD, load, problems


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("MICROSOFT_TENANTID", "MICROSOFT_TENANT_ID"),
        ("MICROSOFT_TENNANT_ID", "MICROSOFT_TENANT_ID"),
        ("AZURE_TENANT_ID", "MICROSOFT_TENANT_ID"),
        ("ENTRA_TENANT_ID", "MICROSOFT_TENANT_ID"),
        ("TENANT_ID", "MICROSOFT_TENANT_ID"),
        ("microsoft_tenant_id", "MICROSOFT_TENANT_ID"),
        ("DJANGO_SECRET_KEY", "SECRET_KEY"),
        ("SECRETKEY", "SECRET_KEY"),
        ("SECRET_KEY_", "SECRET_KEY"),
        ("Secret_Key", "SECRET_KEY"),
        ("SECRET_KEY_FLIE", "SECRET_KEY"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("POSTGRES_URL", "DATABASE_URL"),
        ("REDIS_URI", "REDIS_URL"),
        ("REDDIS_URL", "REDIS_URL"),
        ("REDIS_TLS_URL", "REDIS_URL"),
        ("BASE_URL", "PUBLIC_URL"),
        ("PUBLIC-URL", "PUBLIC_URL"),
    ],
)
def test_what_is_set_instead_of_a_required_one_is_named(wrong: str, right: str) -> None:
    [problem] = problems(**{right: "", wrong: GOOD[right]})
    assert problem.startswith(f"{right} is ")
    assert wrong in problem


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("MICROSOFT_CLIENT_ID_", "MICROSOFT_CLIENT_ID"),
        ("MICROSOFT_SECRET", "MICROSOFT_CLIENT_SECRET"),
        ("AZURE_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET"),
    ],
)
def test_half_a_registration_under_another_name_is_named(wrong: str, right: str) -> None:
    [problem] = problems(**{right: "", wrong: GOOD[right]})
    assert problem.startswith(f"{right} is ")
    assert wrong in problem


@pytest.mark.parametrize(
    ("wrong", "right", "value"),
    [
        ("WEB_CONCURENCY", "WEB_CONCURRENCY", "4"),
        ("SESSION_HOUR", "SESSION_HOURS", "8"),
        ("TRUSTED_PROXIES_COUNT", "TRUSTED_PROXY_COUNT", "1"),
        ("TRUSTED_PROXY_COUNT_", "TRUSTED_PROXY_COUNT", "1"),
        ("log_format", "LOG_FORMAT", "json"),
        ("TIMEZONE", "TIME_ZONE", "UTC"),
        ("Debug", "DEBUG", "true"),
        ("PUBLIC_URL_FILE", "PUBLIC_URL", "/run/x"),
    ],
)
def test_a_typing_error_stops_the_start_and_beside_the_right_one_warns(
    wrong: str, right: str, value: str
) -> None:
    without = {name: given for name, given in GOOD.items() if name != right}
    with pytest.raises(BadEnvironment) as caught:
        variables.load({**without, wrong: value})
    [problem] = caught.value.problems
    assert problem.startswith(f"{right} is ")
    assert wrong in problem
    given = {right: GOOD.get(right) or value}
    assert load(**given, **{wrong: value}).warnings == [
        f"{wrong} is set, but not read: {right} is."
    ]


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_CLIENT_ID",  # a managed identity's
        "AZURE_TENANT_ID",
        "TZ",
        "HOME",
        "REDIS_PORT",
        "DATABASE_HOST",
        "WEBSITE_SITE_NAME",
        "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",  # Easy Auth's
        "DJANGO_SETTINGS_MODULE",
        "PUBLIC_IP",
        "SUITE_NAME",
        "PORTS",
        "DEBUGINFOD_URLS",
        "SECRET_KEY_FILE",
    ],
)
def test_other_programs_names_are_left_alone(name: str) -> None:
    value = {"SECRET_KEY_FILE": ""}.get(name, "x")
    assert load(**{name: value}).warnings == []


@pytest.mark.parametrize(
    ("name", "right"),
    [("SECURE_SSL_REDIRECT", "PUBLIC_URL"), ("GUNICORN_WORKERS", "WEB_CONCURRENCY")],
)
def test_a_name_for_what_a_variable_decides_is_a_warning(name: str, right: str) -> None:
    assert load(**{name: "1"}).warnings == [f"{name} is set, but not read: {right} is."]
