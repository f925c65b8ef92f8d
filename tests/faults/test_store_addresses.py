"""REDIS_URL and DATABASE_URL in the form that a portal or another tool gives."""

from tests.faults.fault import NO_START, START_UP, Fault


def _redis(sentence: str, set_up: str, value: str, says: str) -> Fault:
    return Fault(
        sentence, set_up, env={"REDIS_URL": value}, page=NO_START, doctor=START_UP, says=says
    )


def _database(sentence: str, set_up: str, value: str, says: str) -> Fault:
    return Fault(
        sentence, set_up, env={"DATABASE_URL": value}, page=NO_START, doctor=START_UP, says=says
    )


redis_dotnet = _redis(
    "REDIS_URL is Azure's connection string", "StackExchange.Redis's, as the portal gives it.",
    "contoso.redis.cache.windows.net:6380,password=x9,ssl=True,abortConnect=False",
    "write rediss://:KEY@contoso.redis.cache.windows.net:6380/0",
)  # fmt: skip
redis_dotnet_plain = _redis(
    "REDIS_URL is a .NET connection string without TLS", "host:6379,password=….",
    "cache.internal:6379,password=x9", "write redis://:KEY@cache.internal:6379/0",
)  # fmt: skip
redis_command = _redis(
    "REDIS_URL is a command", "redis-cli -u … as a page shows it.",
    "redis-cli -u rediss://:x9@cache.internal:6380", "take the URL after -u",
)  # fmt: skip
redis_host = _redis(
    "REDIS_URL is a host", "Host and port, as the portal's overview shows them.",
    "contoso.redis.azure.net:10000", "is a host alone: write rediss://:KEY@contoso.redis.azure.net",
)  # fmt: skip
redis_percent = _redis(
    "The key in REDIS_URL has a bare %", "A generated password, not encoded.",
    "rediss://:x%9z@cache.internal:6380/0", "has a % that begins no code",
)  # fmt: skip
redis_slash = _redis(
    "The key in REDIS_URL has a bare /", "A base64 key, not encoded.",
    "rediss://:x9/y@cache.internal:6380/0", "write special characters of the password as %40",
)  # fmt: skip
redis_hash = _redis(
    "The key in REDIS_URL has a bare #", "What follows would be dropped without a word.",
    "rediss://:x9@cache.internal:6380/0#y", "has a #: write it as %23",
)  # fmt: skip
redis_ssl = _redis(
    "REDIS_URL asks for TLS by an option", "?ssl=true, as other clients take it.",
    "redis://:x9@localhost:6380/0?ssl=true", "write rediss:// for TLS",
)  # fmt: skip
redis_option = _redis(
    "REDIS_URL has an option of another client", "?abortConnect=False.",
    "redis://:x9@localhost:6380/0?abortConnect=False", "has an option abortConnect",
)  # fmt: skip
redis_option_value = _redis(
    "An option of REDIS_URL cannot be read", "?socket_timeout=soon.",
    "redis://:x9@localhost:6380/0?socket_timeout=soon", "has an option that cannot be read",
)  # fmt: skip
redis_second_database = _redis(
    "REDIS_URL asks for a second database of Azure Managed Redis", "It ends in /1.",
    "rediss://:x9@contoso.westeurope.redis.azure.net:10000/1", "has one: end it in /0",
)  # fmt: skip
redis_two_hosts = _redis(
    "REDIS_URL lists hosts without Sentinel", "Two redis:// URLs.",
    "redis://a.internal:6379,redis://b.internal:6379", "must then start with redis+sentinel://",
)  # fmt: skip

database_ado = _database(
    "DATABASE_URL is ADO.NET's", "As the portal's page Connection strings gives it.",
    "Server=contoso.postgres.database.azure.com;Database=staff;Port=5432;User Id=u;Password=x9;",
    "write postgres://USER:PASSWORD@contoso.postgres.database.azure.com:5432/NAME",
)  # fmt: skip
database_jdbc = _database(
    "DATABASE_URL is JDBC's", "jdbc:postgresql://….",
    "jdbc:postgresql://db.internal:5432/staff?user=u&password=x9", "is JDBC's: write postgres://",
)  # fmt: skip
database_keywords = _database(
    "DATABASE_URL is libpq's string of keywords", "host=… dbname=….",
    "host=db.internal port=5432 dbname=staff user=u password=x9", "is a string of keywords, libpq",
)  # fmt: skip
database_sqlalchemy = _database(
    "DATABASE_URL is SQLAlchemy's", "postgresql+psycopg://….",
    "postgresql+psycopg://u:x9@db.internal/staff", "is SQLAlchemy's: write postgres://",
)  # fmt: skip
database_psql = _database(
    "DATABASE_URL is a command", "psql …, as the portal's page Connect shows it.",
    'psql "host=db.internal dbname=staff user=u password=x9"', "is a command: write postgres://",
)  # fmt: skip
database_percent = _database(
    "The password in DATABASE_URL has a bare %", "A generated password, not encoded.",
    "postgres://u:x%9z@localhost/staff", "has a % that begins no code",
)  # fmt: skip
database_hash = _database(
    "The password in DATABASE_URL has a bare #", "A generated password, not encoded.",
    "postgres://u:x9#y@localhost/staff", "has a #: write it as %23",
)  # fmt: skip
database_ssl = _database(
    "DATABASE_URL asks for TLS as other drivers do", "?ssl=true.",
    "postgres://u:x9@localhost/staff?ssl=true", "write sslmode=verify-full",
)  # fmt: skip
database_sslmode = _database(
    "The sslmode in DATABASE_URL is none", "?sslmode=Require, as ADO.NET writes it.",
    "postgres://u:x9@localhost/staff?sslmode=Require", "has an sslmode that there is none of",
)  # fmt: skip
database_option = _database(
    "An option of DATABASE_URL is misspelt", "?sslrootcet=….",
    "postgres://u:x9@localhost/staff?sslrootcet=/x.pem", "has an option sslrootcet",
)  # fmt: skip
