"""Defaults, and what must fit together: development, the emulator, tenants, Azure."""

from typing import Any

import pytest

from accounts.configuration.table import BadEnvironment
from project.variables import Environment
from project.variables import load as load_environment
from tests.unit.project.test_env import GOOD, OTHER, TENANT, load, problems


def develop(**variables: str) -> Environment:
    return load_environment({"DEBUG": "true", **variables})


@pytest.mark.parametrize("half", ["MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"])
def test_an_app_registration_needs_both_halves(half: str) -> None:
    [problem] = problems(**{half: ""})
    assert problem.startswith(f"{half} is required together with")


def test_an_app_registration_may_be_left_to_admin() -> None:
    found = load(MICROSOFT_CLIENT_ID="", MICROSOFT_CLIENT_SECRET="")
    assert (found.MICROSOFT_CLIENT_ID, found.MICROSOFT_CLIENT_SECRET) == ("", "")


def test_the_secret_id_is_told_apart_from_the_secret() -> None:
    [problem] = problems(MICROSOFT_CLIENT_SECRET=OTHER)
    assert "copy the column Value, not Secret ID" in problem


@pytest.mark.parametrize(
    ("tenant", "listed", "allowed"),
    [
        (TENANT.upper(), "", {TENANT}),
        (TENANT, f"{TENANT}, {OTHER.upper()}", {TENANT, OTHER}),
        ("organizations", OTHER, {OTHER}),
        ("Contoso.example", "", set()),
        ("contoso.example", TENANT, {TENANT}),
    ],
)
def test_allowed_tenants(tenant: str, listed: str, allowed: set[str]) -> None:
    found = load(MICROSOFT_TENANT_ID=tenant, MICROSOFT_ALLOWED_TENANTS=listed)
    told = found.MICROSOFT_TENANT_ID, set(found.MICROSOFT_ALLOWED_TENANTS)
    assert told == (tenant.lower(), allowed)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Staff.Example.com/", "https://staff.example.com"),
        ("HTTPS://staff.example.com:443", "https://staff.example.com"),
        ("https://staff.example.com:8443", "https://staff.example.com:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://testserver", "http://testserver"),
    ],
)
def test_the_public_url_is_kept_as_browsers_write_it(given: str, origin: str) -> None:
    found = load(PUBLIC_URL=given).PUBLIC_URL
    assert found == origin


def test_azure_knows_its_public_url() -> None:
    assert load(PUBLIC_URL="", WEBSITE_HOSTNAME="Site.azurewebsites.net").PUBLIC_URL == (
        "https://site.azurewebsites.net"
    )


def test_development_needs_no_variable_but_debug() -> None:
    found = develop()
    assert (found.PUBLIC_URL, found.REDIS_URL, found.LOG_FORMAT) == (
        "http://localhost:8000",
        None,
        "text",
    )
    assert found.SECRET_KEY.startswith("django-insecure-")
    assert found.MICROSOFT_LOGIN_URL == "http://localhost:8400"


def test_ports_move_the_development_addresses() -> None:
    found = develop(PORT="9000", EMULATOR_PORT="9400")
    assert found.PUBLIC_URL == "http://localhost:9000"
    assert found.MICROSOFT_LOGIN_URL == "http://localhost:9400"


def test_a_real_tenant_in_development_means_the_real_microsoft() -> None:
    names = ("MICROSOFT_TENANT_ID", "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET")
    found = develop(**{name: GOOD[name] for name in names})
    assert found.MICROSOFT_LOGIN_URL == "https://login.microsoftonline.com"


def test_a_loopback_login_url_in_development_keeps_the_emulators_registration() -> None:
    found = develop(MICROSOFT_LOGIN_URL="http://localhost:9999")
    told = found.MICROSOFT_TENANT_ID, found.MICROSOFT_CLIENT_ID
    assert told == (TENANT, GOOD["MICROSOFT_CLIENT_ID"])


def test_the_emulators_registration_is_never_a_default_in_production() -> None:
    [problem] = problems(MICROSOFT_TENANT_ID="", MICROSOFT_LOGIN_URL="http://localhost:8400")
    assert problem.startswith("MICROSOFT_TENANT_ID is required")


@pytest.mark.parametrize(
    ("text", "url", "sentinels"),
    [
        ("rediss://:p%40ss@h:6380/2", "rediss://:p%40ss@h:6380/2", ()),
        (
            "redis+sentinel://a:1, redis+sentinel://b/staff",
            "redis://staff/0",
            (("a", 1), ("b", 26379)),
        ),
        ("redis+sentinel://:pw@a:1/staff/3", "redis://:pw@staff/3", (("a", 1),)),
        ("rediss+sentinel://a:1/staff", "redis://staff/0", (("a", 1),)),
    ],
)
def test_redis_by_one_server_or_by_sentinels(text: str, url: str, sentinels: Any) -> None:
    found = load(REDIS_URL=text).REDIS_URL
    assert found is not None
    assert (found.url, found.sentinels) == (url, sentinels)
    assert found.sentinels_by_tls == text.startswith("rediss+sentinel")


def test_sign_in_by_itself_leaves_no_way_to_the_password_form() -> None:
    [problem] = problems(SIGN_IN_AUTOMATICALLY="true", ADMIN_PASSWORD_LOGIN="true")
    assert problem.startswith("SIGN_IN_AUTOMATICALLY must not be true together with")


BY_ENTRA = {
    "DATABASE_URL": "postgres://id@h/n?sslmode=verify-full&auth=entra",
    "REDIS_URL": "rediss://h:10000/0?auth=entra",
}


def test_an_identity_instead_of_a_password_is_taken_out_of_the_urls() -> None:
    found = load(**BY_ENTRA)
    assert found.REDIS_URL is not None
    assert (found.REDIS_URL.by_entra, found.REDIS_URL.url) == (True, "rediss://h:10000/0")
    assert (found.DATABASE_URL["BY_ENTRA"], found.DATABASE_URL["USER"]) == (True, "id")
    assert found.DATABASE_URL["OPTIONS"] == {"sslmode": "verify-full"}


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://localhost/0?socket_keepalive=yes&auth=entra"),
        ("DATABASE_URL", "postgres://id@127.0.0.1/n?auth=entra"),
    ],
)
def test_a_token_may_go_in_the_clear_on_this_machine(name: str, url: str) -> None:
    load(**{name: url})


def test_other_options_stay_as_they_were_written() -> None:
    found = load(REDIS_URL="rediss://h/0?client_name=%20b&auth=entra&protocol=2").REDIS_URL
    assert found is not None
    assert found.url == "rediss://h/0?client_name=%20b&protocol=2"


def test_an_identity_needs_the_optional_requirements() -> None:
    with pytest.raises(BadEnvironment) as caught:
        load_environment(GOOD | BY_ENTRA, find_package=lambda name: None)
    assert [problem.partition(".txt")[0] for problem in caught.value.problems] == [
        "DATABASE_URL has auth=entra: pip install -r requirements/azure",
        "REDIS_URL has auth=entra: pip install -r requirements/azure",
    ]


def test_without_an_identity_nothing_optional_is_needed() -> None:
    load_environment(GOOD, find_package=lambda name: None)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("TIME_ZONE", "europe/berlin", "Europe/Berlin"),
        ("TIME_ZONE", "", "UTC"),
        ("SITE_NAME", "Société Générale, staff", "Société Générale, staff"),
        ("ADMIN_CONTACT", "it@example.com", "it@example.com"),
        ("ADMIN_CONTACT", "https://help/desk?x=1", "https://help/desk?x=1"),
        ("PRIVATE_NETWORK", "true", True),
    ],
)
def test_what_people_read_and_whom_they_ask(name: str, given: str, value: object) -> None:
    assert getattr(load(**{name: given}), name) == value


def test_the_instance_is_named_without_telling_its_name() -> None:
    found = load(WEBSITE_INSTANCE_ID="secret-machine").instance_id()
    assert found != load(WEBSITE_INSTANCE_ID="another").instance_id()
    assert len(found) == 8
