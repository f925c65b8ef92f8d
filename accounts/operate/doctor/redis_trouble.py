"""What an exception of Redis's client means, and what to do about it."""

from __future__ import annotations

from typing import Final

from accounts.operate.doctor import token_trouble

# In this order: the first sign found in the text decides.
_HINTS: Final = (
    (token_trouble.SIGN, token_trouble.HINT),
    ("authentication required", "REDIS_URL needs the password: rediss://:PASSWORD@host:6380/0"),
    (
        "username-password",
        "The user or password in REDIS_URL is wrong: copy the access key anew; with auth=entra add"
        " the identity under the Redis's Authentication.",
    ),
    ("called without any password", "Redis has no password: take it out of REDIS_URL."),
    ("nopermission", "The Redis user in REDIS_URL may not do this: widen its ACL (+@all ~*)."),
    ("outofmemory", "Redis is full: raise maxmemory, or give this site a Redis of its own."),
    ("readonly", "REDIS_URL leads to a replica: set it to the master, or to the Sentinels."),
    ("noreplicas", "The master lacks its replicas and refuses writes: mend the replication."),
    ("persist", "Redis cannot save to its disk and refuses writes: free the disk, see its log."),
    ("rdb snapshots", "Redis cannot save to its disk and refuses writes: free the disk."),
    ("moved", "Redis is a cluster: use a non-clustered one, or the Enterprise policy on Azure."),
    ("clusterdown", "Redis is a cluster, and down: use a non-clustered one."),
    ("loading", "Redis is still loading its data: wait, then run doctor again."),
    ("max number of clients", "All connections are taken: fewer workers, or more maxclients."),
    ("maxclients", "All connections are taken: fewer workers, or more maxclients."),
    ("db index", "That database does not exist: end REDIS_URL with /0."),
    (
        "masternotfound",
        "No Sentinel knows a master of that name: mend REDIS_URL, or the Sentinels.",
    ),
    ("certificate", "Redis's certificate is not trusted here: mend its chain or the host name."),
    ("ssl", "TLS failed: rediss:// is for a TLS port (Azure: 6380 or 10000), redis:// for plain."),
    ("closed by server", "If the port speaks TLS, write rediss:// in REDIS_URL."),
    ("name or service", "The host name in REDIS_URL is not known: mend it, or the private DNS."),
    ("no address associated", "The host name in REDIS_URL is not known: mend it."),
    ("refused", "Start Redis, or mend host and port in REDIS_URL."),
    (
        "timeout",
        "Nothing answers: mend host and port in REDIS_URL, open the firewall, or Redis hangs.",
    ),
)


def text_of(problem: BaseException) -> str:
    """The innermost cause that says something, on one line."""
    texts = [f"{type(cause).__name__}: {' '.join(str(cause).split())}" for cause in _chain(problem)]
    return texts[-1][:300]


def hint_for(problem: BaseException) -> str:
    """What to do, from all that the chain of exceptions says."""
    text = " ".join(f"{type(cause).__name__} {cause}" for cause in _chain(problem)).lower()
    found = next((hint for sign, hint in _HINTS if sign in text), "")
    return found or "Check REDIS_URL, the server, and the firewall between."


def _chain(problem: BaseException) -> list[BaseException]:
    chain = [problem]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return [cause for cause in chain if str(cause)] or chain[:1]
