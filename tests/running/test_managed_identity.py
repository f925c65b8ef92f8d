"""Redis and PostgreSQL by managed identity: real servers, a local endpoint in Azure's place."""

import time
from collections.abc import Callable, Iterator

import pytest
import redis
from django.conf import settings

from accounts.models import User
from tests.fixtures import StartSite
from tests.servers import forked
from tests.servers.environment import deployed_environment
from tests.servers.guarded import GuardedPostgres, GuardedRedis
from tests.servers.identity import OBJECT_ID, POSTGRESQL, REDIS, IdentityEndpoint
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.doctoring import doctor
from tests.support.tiny_server import eventually
from tests.support.visitor import LOGIN, Page, Visitor

pytestmark = pytest.mark.django_db(transaction=True)

# A new token for another identity shows who signed in anew: CLIENT LIST tells no passwords.
ANOTHER = "another-object-id"
SHORT = 200.0  # azure-identity keeps no token that ends within five minutes
ENDING = 9.0  # too near to its end to be used when no other can be had
# Redis's token is renewed 3 minutes before it ends: of this life, after about six seconds.
MARGIN = 180.0
RENEWED_SOON = MARGIN + 6
SOON = 3.0


@pytest.fixture
def endpoint() -> Iterator[IdentityEndpoint]:
    with IdentityEndpoint() as started:
        yield started


@pytest.fixture
def guarded_redis(endpoint: IdentityEndpoint) -> Iterator[GuardedRedis]:
    with Redis() as server:
        guarded = GuardedRedis(server)
        endpoint.trusted_by(REDIS, guarded.trust)
        yield guarded
        guarded.client.close()


@pytest.fixture(scope="module")
def _guarded_postgres(postgres: Postgres) -> Iterator[GuardedPostgres]:
    guarded = GuardedPostgres(postgres, str(settings.DATABASES["default"]["NAME"]))
    yield guarded
    guarded.remove()


@pytest.fixture
def guarded_postgres(
    _guarded_postgres: GuardedPostgres, endpoint: IdentityEndpoint, transactional_db: None
) -> GuardedPostgres:
    """It trusts no token yet."""
    _guarded_postgres.trust_none()
    endpoint.trusted_by(POSTGRESQL, _guarded_postgres.trust)
    return _guarded_postgres


@pytest.fixture
def site(
    endpoint: IdentityEndpoint,
    guarded_redis: GuardedRedis,
    guarded_postgres: GuardedPostgres,
    start_site: StartSite,
) -> Callable[..., Site]:
    """`site()`: both stores by the identity."""

    def start(workers: int = 1, **env: str) -> Site:
        stores = {"REDIS_URL": guarded_redis.url, "DATABASE_URL": guarded_postgres.url}
        return start_site(workers=workers, **stores | endpoint.environment | env)

    return start


def staff(url: str) -> Visitor:
    """Someone who is in."""
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    visitor = Visitor(url)
    assert visitor.sign_in().status == 302
    return visitor


def timed(ask: Callable[[], Page]) -> tuple[str, int, bool]:
    """The page's reason and status, and whether it came soon."""
    began = time.monotonic()
    page = ask()
    return page.reason, page.status, time.monotonic() - began < SOON


def test_staff_sign_in_where_both_stores_know_the_identity_only(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_redis: GuardedRedis
) -> None:
    assert staff(site().url).is_in()
    assert guarded_redis.knows_only(OBJECT_ID)
    # One worker, which asks once for each store.
    assert sorted(query["resource"] for query in endpoint.asked) == sorted([REDIS, POSTGRESQL])
    assert not any("client_id" in query for query in endpoint.asked)


def test_the_stores_refuse_what_is_no_token(
    guarded_redis: GuardedRedis, guarded_postgres: GuardedPostgres
) -> None:
    guarded_redis.trust(OBJECT_ID, "token")
    guarded_postgres.trust(OBJECT_ID, "token")
    assert guarded_postgres.lets_in("token")
    assert not guarded_postgres.lets_in("another")
    with pytest.raises(redis.AuthenticationError):
        guarded_redis.client.auth("another", OBJECT_ID)


def test_a_user_assigned_identity_is_asked_for_by_its_client_id(
    site: Callable[..., Site], endpoint: IdentityEndpoint
) -> None:
    chosen = "16fd2706-8baf-433b-82eb-8c7fada847da"
    staff(site(AZURE_CLIENT_ID=chosen).url)
    assert {query["client_id"] for query in endpoint.asked} == {chosen}


def test_no_token_is_in_the_log_nor_the_steps_that_led_to_it(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_postgres: GuardedPostgres
) -> None:
    endpoint.life = ENDING
    started = site()
    visitor = staff(started.url)
    endpoint.away = "closes"
    guarded_postgres.cut()
    assert visitor.get("/admin/").status == 503
    log = started.log()
    assert [token for token in endpoint.given if token.rpartition(".")[2] in log] == []
    assert "Token manager" not in log
    assert '"level": "info", "logger": "azure' not in log


def test_a_token_serves_new_connections_to_its_end_while_the_endpoint_is_away(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_postgres: GuardedPostgres
) -> None:
    endpoint.life = SHORT
    visitor = staff(site().url)
    endpoint.away = "closes"
    guarded_postgres.cut()
    assert visitor.is_in()


def test_a_new_connection_to_postgresql_gets_the_token_of_the_time(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_postgres: GuardedPostgres
) -> None:
    endpoint.life = SHORT
    visitor = staff(site().url)
    first = endpoint.given.copy()
    endpoint.renew()
    guarded_postgres.cut()
    assert visitor.is_in()
    assert not any(map(guarded_postgres.lets_in, first))


def test_a_connection_that_redis_ended_comes_back_with_the_token_of_the_time(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_redis: GuardedRedis
) -> None:
    endpoint.life = SHORT
    visitor = staff(site().url)
    endpoint.object_id = ANOTHER
    endpoint.renew()
    guarded_redis.client.acl_deluser(OBJECT_ID)  # cuts it off, as Azure does when a token ends
    assert visitor.is_in()
    assert guarded_redis.knows_only(ANOTHER)


def test_live_connections_to_redis_sign_in_again_before_their_token_ends(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_redis: GuardedRedis
) -> None:
    endpoint.life = RENEWED_SOON
    visitor = staff(site().url)
    before = guarded_redis.users()
    endpoint.object_id = ANOTHER
    endpoint.renew()
    assert eventually(lambda: guarded_redis.knows_only(ANOTHER), seconds=15)
    assert guarded_redis.users().keys() == before.keys()
    guarded_redis.client.acl_deluser(OBJECT_ID)
    assert visitor.is_in()
    assert guarded_redis.users().keys() == before.keys()


def test_the_renewal_outlives_an_endpoint_that_is_away_at_its_time(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_redis: GuardedRedis
) -> None:
    endpoint.life = RENEWED_SOON
    visitor = staff(site().url)
    endpoint.object_id, endpoint.away = ANOTHER, "closes"
    endpoint.renew()
    asked = len(endpoint.asked)
    assert eventually(lambda: len(endpoint.asked) > asked, seconds=15)
    assert visitor.is_in()
    endpoint.away = ""
    assert eventually(lambda: guarded_redis.knows_only(ANOTHER), seconds=15)


def test_the_renewal_outlives_a_redis_that_hangs_at_its_time(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_redis: GuardedRedis
) -> None:
    endpoint.life = RENEWED_SOON
    started = site()
    visitor = staff(started.url)
    endpoint.life += RENEWED_SOON - MARGIN
    endpoint.renew()
    endpoint.token_for(REDIS)  # which Redis trusts before it hangs
    guarded_redis.server.pause()
    assert eventually(lambda: "not all connections to Redis" in started.log(), seconds=15)
    guarded_redis.server.resume()
    endpoint.object_id = ANOTHER
    endpoint.renew()
    assert eventually(lambda: guarded_redis.knows_only(ANOTHER), seconds=15)
    assert visitor.is_in()


def test_a_renewal_that_broke_off_begins_anew_with_a_connection_after_the_last_token(
    site: Callable[..., Site], endpoint: IdentityEndpoint, guarded_redis: GuardedRedis
) -> None:
    endpoint.life = 3  # too short for redis-py to renew
    visitor = staff(site().url)
    time.sleep(endpoint.life)
    endpoint.life, endpoint.object_id = RENEWED_SOON, ANOTHER
    endpoint.renew()
    guarded_redis.client.acl_deluser(OBJECT_ID)
    assert visitor.is_in()
    endpoint.object_id = "a-third-object-id"
    endpoint.renew()
    assert eventually(lambda: guarded_redis.knows_only("a-third-object-id"), seconds=15)


@pytest.mark.parametrize("away", ["closes", "hangs"])
def test_without_a_token_for_redis_the_page_says_so_until_there_is_one(
    away: str, endpoint: IdentityEndpoint, guarded_redis: GuardedRedis, start_site: StartSite
) -> None:
    endpoint.away = away
    url = start_site(workers=1, REDIS_URL=guarded_redis.url, **endpoint.environment).url
    visitor = Visitor(url)
    login_page = visitor.get(LOGIN)
    answer = timed(lambda: visitor.submit(login_page))
    assert answer == ("session_store_unavailable", 503, True)
    endpoint.away = ""
    time.sleep(0.1)  # a page's own failures hold for 50 ms: it does not wait several times
    assert staff(url).is_in()


@pytest.mark.parametrize("away", ["closes", "hangs"])
def test_without_a_token_for_postgresql_the_page_says_so_until_there_is_one(
    away: str, endpoint: IdentityEndpoint, guarded_postgres: GuardedPostgres, start_site: StartSite
) -> None:
    endpoint.life = ENDING
    stores = {"DATABASE_URL": guarded_postgres.url}
    url = start_site(workers=1, **stores | endpoint.environment).url
    visitor = staff(url)
    endpoint.away = away
    guarded_postgres.cut()
    answer = timed(lambda: visitor.get("/admin/"))
    assert answer == ("database_unavailable", 503, True)
    endpoint.away = ""
    assert visitor.is_in()


def test_doctor_says_what_to_do_about_an_identity_that_is_off(
    endpoint: IdentityEndpoint, guarded_redis: GuardedRedis, guarded_postgres: GuardedPostgres
) -> None:
    endpoint.away = "closes"
    fixes = fixes_by_doctor(endpoint, guarded_redis, guarded_postgres)
    assert "Turn the identity on" in fixes["redis.reachable"]
    assert "Turn the identity on" in fixes["database.reachable"]


def test_doctor_says_what_to_do_about_stores_that_do_not_know_the_identity(
    endpoint: IdentityEndpoint, guarded_redis: GuardedRedis, guarded_postgres: GuardedPostgres
) -> None:
    for resource in (REDIS, POSTGRESQL):
        endpoint.trusted_by(resource, lambda object_id, token: None)
    fixes = fixes_by_doctor(endpoint, guarded_redis, guarded_postgres)
    assert "add the identity under the Redis's Authentication" in fixes["redis.reachable"]
    assert "pgaadauth_create_principal" in fixes["database.reachable"]


def fixes_by_doctor(
    endpoint: IdentityEndpoint, guarded_redis: GuardedRedis, guarded_postgres: GuardedPostgres
) -> dict[str, str]:
    stores = {"REDIS_URL": guarded_redis.url, "DATABASE_URL": guarded_postgres.url}
    document = doctor(**stores | endpoint.environment)
    assert not [token for token in endpoint.given if token in str(document)]
    return {each["id"]: each["fix"] for each in document["findings"]}


LOADED = """
import sys, threading, project.wsgi
azure = {name for name in sys.modules if name.split(".")[0] in ("azure", "msal", "redis_entraid")}
print(sorted(azure), threading.active_count())
"""


def test_nothing_of_azure_is_loaded_before_gunicorn_forks() -> None:
    stores = {
        "REDIS_URL": "rediss://h:10000/0?auth=entra",
        "DATABASE_URL": "postgres://i@h/n?sslmode=require&auth=entra",
    }
    told = forked.run("-c", LOADED, env=deployed_environment() | stores)
    assert (told.stdout, told.stderr) == ("[] 1\n", "")
