"""Two instances or slots behind one address that do not have the same settings."""

from tests.faults.fault import URL, Fault, fault
from tests.faults.stage import MISTAKES, OTHER_KEY, UNKNOWN, Stage

slot_with_another_key = Fault(
    "A slot has another SECRET_KEY",
    "Two instances behind a proxy that takes turns, each with a SECRET_KEY of its own.",
    before=lambda stage: stage.start_both({}, {"SECRET_KEY": OTHER_KEY}),
    page="state_not_ours",
    doctor="public.secret_keys",
    says="reached an instance with another SECRET_KEY",
    ask=URL,
)

redis_of_its_own = Fault(
    "Each instance has a Redis of its own",
    "Two instances, REDIS_URL of each is a Redis on its own machine.",
    before=lambda stage: stage.start_both({}, {"REDIS_URL": stage.redis().url}),
    page="session_not_found",
    doctor="public.sessions",
    says="reached an instance that does not share sessions",
    ask=URL,
)


@fault(
    "Instances use different databases of one Redis",
    page="session_not_found",
    doctor="public.sessions",
    says="Set REDIS_URL to the same Redis on every instance",
    ask=URL,
)
def another_redis_database(stage: Stage) -> str:
    """REDIS_URL ends in /0 on one instance, in /1 on the other."""
    redis = stage.redis()
    stage.start_both({"REDIS_URL": redis.url_of(0)}, {"REDIS_URL": redis.url_of(1)})
    return stage.sign_in()


@fault(
    "Instances put different prefixes before their keys",
    page="session_not_found",
    doctor="public.sessions",
    says="keep sessions there (SESSION_ENGINE, CACHES)",
    ask=URL,
)
def another_key_prefix(stage: Stage) -> str:
    """CACHES['default']['KEY_PREFIX'] was changed in the release that one instance has."""
    changed = {"DJANGO_SETTINGS_MODULE": MISTAKES, "MISTAKE": "key_prefix"}
    stage.start_both({}, changed)
    return stage.sign_in()


another_client_id = Fault(
    "One of the instances uses another app registration",
    "MICROSOFT_CLIENT_ID of a test app was left on one of two instances.",
    before=lambda stage: stage.start_both({}, {"MICROSOFT_CLIENT_ID": UNKNOWN}),
    page="Microsoft's own page, AADSTS700016",
    record=None,
    log=None,
    doctor="public.instances_differ",
    says="Instances send people to Microsoft in 2 different ways",
    ask=URL,
)


@fault(
    "SECRET_KEY is replaced without SECRET_KEY_FALLBACKS",
    page="state_not_ours",
    doctor="refusals.state_not_ours",
    says="signed with another SECRET_KEY",
)
def key_replaced(stage: Stage) -> str:
    """The site restarts with a new SECRET_KEY while the person is at Microsoft."""
    site = stage.start()

    def replace() -> None:
        site.process.kill()
        stage.start(SECRET_KEY=OTHER_KEY, PORT=str(site.port))

    return stage.sign_in(between=replace, way=lambda url: url.replace(str(site.port), _port(stage)))


def _port(stage: Stage) -> str:
    return stage.url.rpartition(":")[2]
