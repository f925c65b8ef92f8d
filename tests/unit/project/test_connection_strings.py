"""What portals and tools give for Redis and PostgreSQL: the URL that is wanted is named."""

import pytest

from project import stores

SECRET = "hunter2"


def why(read: object, text: str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- its text is what is tested
        read(text)  # type: ignore[operator]
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "contoso.redis.cache.windows.net:6380,password=hunter2=,ssl=True,abortConnect=False",
            "write rediss://:KEY@contoso.redis.cache.windows.net:6380/0",
        ),
        ("cache.internal:6379,password=hunter2", "write redis://:KEY@cache.internal:6379/0"),
        ("contoso.redis.cache.windows.net,ssl=true,password=hunter2", ".net:6380/0"),
        ("redis-cli -u rediss://:hunter2@h:6380", "take the URL after -u"),
        ("redis-cli -h h -p 6380 -a hunter2 --tls", "is a command"),
        ("contoso.redis.azure.net:10000", "rediss://:KEY@contoso.redis.azure.net:10000/0"),
        ("rediss://:hunter2%@h:6380/0", "has a % that begins no code"),
        ("rediss://:hunter2%zz@h:6380/0", "%25 for %"),
        ("rediss://:hunter2#x@h:6380/0", "write it as %23"),
        ("rediss://:hunter2/x@h:6380/0", "special characters"),
        ("redis://:hunter2@h:6380/0?ssl=true", "write rediss:// for TLS"),
        ("rediss://:hunter2@h:6380/0?ssl_ca=/x", "has an option ssl_ca,"),
        ("rediss://:hunter2@h:6380/0?abortConnect=False", "has an option abortConnect,"),
        ("redis://:hunter2@h:6380/0?socket_timeout=soon", "option that cannot be read"),
        ("rediss://:hunter2@contoso.westeurope.redis.azure.net:10000/1", "end it in /0"),
    ],
)
def test_another_form_of_redis_is_named(text: str, told: str) -> None:
    assert told in why(stores.redis, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Server=contoso.postgres.database.azure.com;Database=staff;Port=5432;User Id=site;"
            "Password=hunter2;Ssl Mode=Require;",
            "write postgres://USER:PASSWORD@contoso.postgres.database.azure.com:5432/NAME",
        ),
        ("Host=db.internal; Username=site; Password=hunter2; Database=staff", "@db.internal:5432/"),
        ("host=db.internal port=6432 dbname=staff user=site password=hunter2", "db.internal:6432"),
        ("jdbc:postgresql://db.internal:5432/staff?user=site&password=hunter2", "is JDBC's"),
        ("jdbc:postgresql://db.internal/staff", "@db.internal:5432/NAME"),
        ('psql "host=db.internal password=hunter2"', "is a command"),
        ("postgresql+psycopg://site:hunter2@h/staff", "is SQLAlchemy's"),
        ("postgres://site:hunter2%@h/staff", "has a % that begins no code"),
        ("postgres://site:hunter2#@h/staff", "write it as %23"),
        ("postgres://site:hunter2@h/staff?ssl=true", "write sslmode=verify-full"),
        ("postgres://site:hunter2@h/staff?sslmode=Require", "has an sslmode that there is none of"),
        ("postgres://site:hunter2@h/staff?sslrootcet=/x", "has an option sslrootcet,"),
    ],
)
def test_another_form_of_a_database_is_named(text: str, told: str) -> None:
    assert told in why(stores.database, text)


@pytest.mark.parametrize(
    "text",
    [
        "redis://localhost",
        "rediss://:a%2Fb%25@h:6380/0?ssl_ca_certs=/x.pem&socket_timeout=2&protocol=2",
        "rediss://user:key@h:10000/0?ssl_cert_reqs=none&health_check_interval=0",
        "redis://h/0?username=u&password=p&client_name=x&max_connections=5",
        "rediss://contoso.westeurope.redis.azure.net:10000/0?auth=entra",
    ],
)
def test_what_redis_py_takes_is_taken(text: str) -> None:
    assert stores.redis(text).text == text


@pytest.mark.parametrize(
    "options",
    [
        "",
        "?sslmode=verify-full&sslrootcert=system",
        "?options=-c%20statement_timeout%3D0&connect_timeout=7",
        "?pool=true&target_session_attrs=read-write&application_name=x&gssencmode=disable",
    ],
)
def test_what_libpq_and_django_take_is_taken(options: str) -> None:
    assert stores.database(f"postgres://site:a%40b@h:5432/staff{options}")["PASSWORD"] == "a@b"
