"""A connection to a server that is no longer the right one is not kept."""

from typing import Any

import pytest
from django_redis.cache import RedisCache
from redis.exceptions import RedisError

from accounts.stores.outages import redis_code
from project import redis_cache, stores
from tests.support.redis_like import RedisLike

VALUE = '$7\r\n"green"\r\n'


def cache_at(url: str) -> Any:
    settings = redis_cache.cache(stores.redis(url), "http://testserver")
    return RedisCache(settings["LOCATION"], settings)


def demoted(error: str, *connections: int) -> RedisLike:
    """Says this on these connections, and serves on others."""
    return RedisLike(lambda number, words: f"-{error}\r\n" if number in connections else VALUE)


@pytest.fixture(
    params=[
        "READONLY You can't write against a read only replica.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "LOADING Redis is loading the dataset in memory",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "NOAUTH Authentication required.",
        "NOREPLICAS Not enough good replicas to write.",
        "MISCONF Redis is configured to save RDB snapshots, but it can't.",
        "OOM command not allowed when used memory > 'maxmemory'.",
    ],
    ids=lambda error: error.split()[0],
)
def error(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_another_server_might_do_is_asked_of_it_at_once(error: str) -> None:
    with demoted(error, 0) as server:
        assert cache_at(server.url).get("colour") == "green"
        assert server.connections == 2


def test_a_pipeline_asks_again_as_a_whole(error: str) -> None:
    with demoted(error, 0) as server:
        pipe = cache_at(server.url).client.get_client().pipeline(transaction=False)
        assert pipe.get("a").get("b").execute() == [b'"green"', b'"green"']
        assert server.connections == 2


def test_an_answer_that_stays_names_itself(error: str) -> None:
    with demoted(error, 0, 1, 2) as server, pytest.raises(RedisError) as caught:
        cache_at(server.url).get("colour")
    assert redis_code(caught.value) == error.split()[0]
    assert error.split(maxsplit=1)[1][:20] in str(caught.value)


def test_an_error_that_nobody_knows_is_not_asked_for_again_and_costs_the_connection() -> None:
    with demoted("ERR the shard has moved house", 0) as server:
        cache = cache_at(server.url)
        with pytest.raises(RedisError):
            cache.get("colour")
        assert (cache.get("colour"), server.connections) == ("green", 2)


@pytest.mark.parametrize("code", ["NOPERM no permissions", "WRONGTYPE of another kind"])
def test_an_error_of_the_command_costs_nothing(code: str) -> None:
    with demoted(code, 0) as server:
        cache = cache_at(server.url)
        for _ in range(2):
            with pytest.raises(RedisError) as caught:
                cache.get("colour")
        assert redis_code(caught.value) == code.split()[0]
        assert server.connections == 1
