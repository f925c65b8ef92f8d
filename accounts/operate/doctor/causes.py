"""What an error means and how to fix it: by its type and code, never by words in its text.

Codes: SQLSTATE (PostgreSQL, Appendix A), the prefix of Redis's error (RESP, "Simple errors"),
OpenSSL's verify code (x509_vfy.h) and reason, getaddrinfo's and the system's errno. An error
without a code that is known here is quoted, and said to be unknown.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import struct
from contextlib import suppress
from functools import partial
from select import select
from typing import Any, Final

from redis.exceptions import InvalidResponse, NoScriptError, RedisError, ResponseError
from redis.sentinel import MasterNotFoundError

from ...http import causes
from ...http.connection import Connection, Route
from ...http.deadline import Deadline, TimeUp, within
from ...http.origins import Origin
from ...http.tls import lax_context
from ...protection import redact
from ...stores.outages import redis_code

try:
    from psycopg import pq
    from psycopg.conninfo import make_conninfo
except ImportError:  # another database, whose errors have no such codes
    pq = None  # type: ignore[assignment]

from collections.abc import Callable, Mapping

from psycopg.pq.abc import PGconn

# {of} is the variable that says where to connect to; its host and port are what to look at.
_FIXES: Final = {
    "timeout": "Nothing answers in time: correct host and port in {of}, open the firewall, or see"
    " the server's log: it may hang.",
    "ECONNREFUSED": "Start {server}, or correct host and port in {of}: the machine answers, but"
    " nothing listens there.",
    "ECONNRESET": "Something cut the connection off: a firewall, a proxy, or a server that expects"
    " TLS where {of} speaks plainly (or the other way round).",
    "EHOSTUNREACH": "No way leads to that host from here: check routes, VNet and firewall.",
    "ENETUNREACH": "This machine has no route to that network: an address that is IPv6 only needs"
    " IPv6 here.",
    "EAFNOSUPPORT": "This machine has no IPv6 at all, and that address is IPv6 only: use an address"
    " or name that IPv4 has, or give this machine IPv6.",
    "EADDRNOTAVAIL": "This machine has no address of that kind (IPv6, mostly): use a name"
    " that has an IPv4 one.",
    "EACCES": "Give this user the right to open the file or socket that {of} names.",
    "ENOENT": "The file or socket that {of} names is not there.",
    "EAI_NONAME": "The host name in {of} is not known here: correct it, or the (private) DNS.",
    "EAI_NODATA": "The host name in {of} has no address here: correct it, or the (private) DNS.",
    "EAI_AGAIN": "The resolver does not answer: look at /etc/resolv.conf and the DNS server.",
    "closed": "The server closed the connection without a word: if its port speaks TLS, say so in"
    " {of}; else see its log.",
    # OpenSSL, x509_vfy.h
    "verify 9": "The certificate is not valid yet: compare the clocks.",
    "verify 10": "The certificate has expired: renew it.",
    "verify 18": "The certificate is self-signed: install one of an authority, or trust it here"
    " ({trust}).",
    "verify 19": "The chain ends in an authority that is not trusted here: trust it ({trust}), or"
    " find out who stands between (a TLS-inspecting proxy).",
    "verify 20": "The chain is incomplete or its authority is not trusted here: serve the whole"
    " chain (fullchain.pem), or trust the authority ({trust}).",
    "verify 21": "The chain is incomplete: serve the whole chain (fullchain.pem).",
    "verify 62": "The certificate is for another name: get one for this host, or correct the host"
    " in {of}.",
    "verify 64": "The certificate is for another address: use the name that it is for in {of}.",
    "WRONG_VERSION_NUMBER": "That port speaks plainly: use a TLS port, or a scheme without TLS in"
    " {of}.",
    "HTTP_REQUEST": "That port speaks plain http: serve TLS there, or correct {of}.",
    "UNEXPECTED_EOF_WHILE_READING": "The other side broke the TLS handshake off: that port may not"
    " speak TLS, or a firewall cuts it.",
    "no handshake": "TLS failed: the port takes connections, but does no TLS. rediss:// is for a"
    " TLS port (Azure: 6380 or 10000), redis:// for a plain one.",
    "silent": "The port takes connections, but {server} says nothing: it hangs, or something else"
    " listens there.",
    "TLS port": "That port speaks TLS: write rediss:// for redis:// in {of}.",
    "another protocol": "What listens there is no {protocol}: correct host and port in {of}.",
    "no authority": "The file of authorities that {of} names is not there, or cannot be read: mount"
    " it, or correct its path ({trust}).",
    "no TLS": "The server does not speak TLS: turn it on there, or take sslmode out of {of} if the"
    " network is private.",
    # PostgreSQL, Appendix A: Error Codes
    "28P01": "User or password in {of} is wrong, or the password has expired (ALTER ROLE it VALID"
    " UNTIL 'infinity'), or was set for md5 where the server wants SCRAM: set it anew. With"
    " auth=entra the server's Entra admin runs SELECT * FROM pgaadauth_create_principal('NAME',"
    " false, false); NAME is the identity's and {of}'s user.",
    "28000": "The server does not let this role in from here: an unknown role, pg_hba.conf, a"
    " firewall rule of Azure's, or it wants TLS (?sslmode=verify-full). Correct {of}'s user, or the"
    " rule. With auth=entra the server's Entra admin runs SELECT * FROM"
    " pgaadauth_create_principal('NAME', false, false); NAME is the identity's and {of}'s user.",
    "no password": "The server wants a password, and {of} has none: postgres://USER:PASSWORD@HOST/NAME",
    "3D000": "That database does not exist: create it, or correct its name at the end of {of}.",
    "53300": "All connections are taken: fewer workers, a pooler, or a larger max_connections.",
    "53100": "The server's disk is full: free space or enlarge it.",
    "53200": "The server is out of memory: give it more, or allow fewer connections.",
    "53400": "A limit of the server's configuration is reached: see its log.",
    "57P02": "Another session of the server crashed, and all were ended: see its log.",
    "57P05": "The server ends idle sessions (idle_session_timeout): set it to 0 for this role.",
    "25P03": "The server ends transactions that wait (idle_in_transaction_session_timeout): raise"
    " it for this role, and look for what makes the site wait.",
    "25P01": "A pooler splits transactions: pool_mode = transaction, not statement.",
    "26000": "A pooler gave this session's prepared statements to another: pool_mode = transaction"
    " with max_prepared_statements = 200 (PgBouncer 1.21), or session.",
    "0A000": "The schema changed under a session that was open: restart the site.",
    "22021": "The database's encoding is not UTF-8: make a new one (CREATE DATABASE NAME ENCODING"
    " 'UTF8' TEMPLATE template0), dump and restore.",
    "3F000": "The role's search_path names no schema that is there: ALTER ROLE it SET search_path ="
    " public.",
    "40P01": "Two transactions waited for each other: rare, it goes away by itself; often, look for"
    " scripts that change the same tables.",
    "42804": "A column has another type than the code's: a schema changed by hand, or another"
    " release's. ./manage.py migrate",
    "42883": "A function is missing: an extension was not restored with the dump. ./manage.py"
    " migrate, or CREATE EXTENSION as its migration does.",
    "58030": "The server cannot read or write its disk: see its log, and its storage.",
    "58P01": "A file of the server's is missing: see its log; restore a backup.",
    "XX001": "The server found damaged data: see its log; restore a backup.",
    "XX002": "An index is damaged, as after a change of the system's C library: REINDEX DATABASE"
    " NAME.",
    "P0001": "A trigger of the database refuses it: the message says which.",
    "57P03": "The server is starting or shutting down: wait, then run doctor again.",
    "57P01": "The server is being shut down or failed over: wait, then run doctor again.",
    "08P01": "What answers is a pooler such as PgBouncer, and its message says what it lacks."
    " Unsupported startup parameter: ignore_startup_parameters = extra_float_digits, options. No"
    " more connections allowed: a larger max_client_conn. Connect failed, or server login: its own"
    " way to PostgreSQL.",
    "42501": "GRANT the role of DATABASE_URL what the message names.",
    "42P01": "A table is missing: ./manage.py migrate",
    "42703": "A column is missing: the code is newer than the schema. ./manage.py migrate",
    "25006": "The server is read-only (a replica, or out of disk on Azure): set DATABASE_URL to the"
    " primary, or free space.",
    "23505": "A sequence is behind its table (a restored dump): ./manage.py sqlsequencereset"
    " accounts socialaccount | ./manage.py dbshell",
    "55000": "The database takes no connections: ALTER DATABASE NAME WITH ALLOW_CONNECTIONS true.",
    "57014": "The statement took too long: look for locks, for a server under load, and for a"
    " statement_timeout of the role's or database's own (SHOW statement_timeout).",
    "55P03": "A lock is held by somebody else: look for an open transaction or a migration.",
    # Redis, first word of an error
    "NOAUTH": "REDIS_URL needs the password: rediss://:PASSWORD@host:6380/0",
    "WRONGPASS": "The user or password in REDIS_URL is wrong: copy the access key anew; with"
    " auth=entra add the identity under the Redis's Authentication.",
    "NOPERM": "The Redis user in REDIS_URL may not do this: allow it by ACL SETUSER (what is needed"
    " is in docs/deploy.md), or widen it to +@all ~*.",
    "OOM": "Redis is full: raise maxmemory, or give this site a Redis of its own.",
    "READONLY": "REDIS_URL leads to a replica: set it to the master, or to the Sentinels.",
    "NOREPLICAS": "The master lacks its replicas and refuses writes: repair the replication.",
    "DENIED": "Redis is in protected mode: without a password it takes nobody from another machine."
    " Give it one (requirepass, or ACL SETUSER) and put it into {of}, by TLS.",
    "MISCONF": "Redis cannot save to its disk and refuses writes: free the disk, see its log.",
    "MOVED": "Redis is a cluster, and its user may not ask: ACL SETUSER NAME +cluster|slots.",
    "CROSSSLOT": "What answers spreads keys over several servers and is no cluster to its clients"
    " (a proxy): use one server, or the cluster itself.",
    "TRYAGAIN": "The cluster is moving keys between its nodes: wait, then run doctor again.",
    "NOSCRIPT": "Scripts are forgotten between two commands: two servers behind one name, or a"
    " proxy that takes turns. Set {of} to one of them.",
    "WRONGTYPE": "Another program uses keys of the same names: give this site a Redis, or a"
    " database number, of its own.",
    "unknown command": "What answers lacks a command of Redis's that a sign-in needs: an older"
    " server, one renamed (rename-command), or a proxy. Use Redis 7 itself.",
    "request limit": "The provider's limit of requests is used up: a larger plan, or another one.",
    "CLUSTERDOWN": "Redis is a cluster, and down: look at its nodes (CLUSTER INFO).",
    "LOADING": "Redis is still loading its data: wait, then run doctor again.",
    "MASTERDOWN": "The replica has lost its master: start the master, or set {of} to another one.",
    "BUSY": "A script blocks Redis: SCRIPT KILL, and find out whose it is.",
    "NOPROTO": "This Redis is older than 6: move to 7 or newer.",
    "DB index is out of range": "That database does not exist: end REDIS_URL with /0.",
    "SELECT is not allowed in cluster mode": "A cluster has one database: end {of} with /0.",
    "max number of clients reached": "All connections are taken: fewer workers, or more"
    " maxclients.",
    "no password set": "Redis has no password for this user: take it out of REDIS_URL.",
    "no master": "No Sentinel knows a master of that name: correct REDIS_URL, or the Sentinels.",
}
_SAME: Final = {
    "RECORD_LAYER_FAILURE": "WRONG_VERSION_NUMBER",
    "42P05": "26000",
    "22P05": "22021",
    "ASK": "MOVED",
}
FIXES: Final[Mapping[str, str]] = _FIXES | {code: _FIXES[same] for code, same in _SAME.items()}
UNKNOWN: Final = (
    "doctor does not know this error. Check {of}, the server's own log, and any firewall or proxy"
    " between."
)
# What the variable names: the server, its protocol, and where an authority to trust is given.
_SERVERS: Final = {
    "REDIS_URL": ("Redis", "Redis", "?ssl_ca_certs=/path/ca.pem in REDIS_URL"),
    "DATABASE_URL": (
        "the database server",
        "PostgreSQL",
        "?sslmode=verify-full&sslrootcert=/path/ca.pem in DATABASE_URL",
    ),
    "PUBLIC_URL": ("the site or its proxy", "web server", "--ca-file FILE"),
}
# What Redis says under the general prefix ERR; redis-py compares these as wholes, too.
_ERR: Final = {
    "AUTH <password> called without any password configured for the default user. Are you sure"
    " your configuration is correct?": "no password set",
    "Client sent AUTH, but no password is set": "no password set",
    "invalid DB index": "DB index is out of range",
    "invalid password": "WRONGPASS",
}
_ERR_BEGINS: Final = {
    "unknown command": "unknown command",
    "max daily request limit": "request limit",
    "max request": "request limit",
}
_NAMES: Final = {
    getattr(socket, name): name
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_AGAIN")
    if hasattr(socket, name)
}
_NO_ANSWERS: Final[Mapping[type[causes.NoAnswer], str]] = {
    causes.UnknownName: "EAI_NONAME",
    causes.ResolverFailed: "EAI_AGAIN",
    causes.SlowResolver: "EAI_AGAIN",
    causes.PortRefused: "ECONNREFUSED",
    causes.PortSilent: "timeout",
    causes.Unroutable: "EHOSTUNREACH",
    causes.TlsSilent: "no handshake",
    causes.NoCompleteAnswer: "timeout",
    causes.BrokenOff: "ECONNRESET",
}
_UNEXPLAINED: Final = ("timeout", "closed", "ECONNRESET", "another protocol")
_SECONDS: Final = 2.0  # for a layer that is tried by itself
_SECONDS_FOR_ALL: Final = 6.0
_SILENT: Final = "connected, but no answer to PING"
_NOT_POSTGRESQL: Final = "an answer that is not PostgreSQL's"
_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)  # PostgreSQL, "Message Formats"
_TRACED_CODE: Final = re.compile(rb'ErrorResponse.*? C "([0-9A-Z]{5})"')


def facts_of(error: BaseException, of: str) -> dict[str, str]:
    """The facts `cause` and `fix` of an error, met on the way to what the variable `of` names."""
    chain = redact.chain_of(error)[::-1]  # the innermost first
    own_fix = next(filter(None, (str(getattr(each, "fix", "")) for each in chain)), "")
    code = next(filter(None, map(code_of, chain)), "")
    return {"code": code, "cause": _text(chain, code), "fix": own_fix or fix_of(code, of)}


def facts_of_connecting(
    error: Exception, of: str, explain: Callable[[Exception], Exception]
) -> dict[str, str]:
    """As facts_of, once `explain` has tried each layer of the connection by itself."""
    with suppress(Exception):  # the first answer tells more than a second that fails otherwise
        error = within(_SECONDS_FOR_ALL, partial(explain, error))
    return facts_of(error, of)


def fix_of(code: str, of: str) -> str:
    """What to do about an error of this code."""
    server, protocol, trust = _SERVERS[of]
    return FIXES.get(code, UNKNOWN).format(of=of, trust=trust, server=server, protocol=protocol)


def code_of(error: BaseException) -> str:
    """The code that FIXES knows the error by; "" when it has none."""
    if isinstance(error, causes.NoAnswer):
        return _of_no_answer(error)
    if isinstance(error, MasterNotFoundError):
        return "no master"
    if isinstance(error, RedisError):
        return _of_redis(error)
    if isinstance(error, ssl.SSLError):
        code = getattr(error, "verify_code", 0)
        return f"verify {code}" if code else str(error.reason or "")
    if isinstance(error, socket.gaierror):
        return _NAMES.get(error.errno or 0, "")
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0, "")
    return str(getattr(error, "sqlstate", None) or getattr(error, "code", None) or "")  # Typed


def _of_no_answer(cause: causes.NoAnswer) -> str:
    if isinstance(cause, causes.CertificateRefused):
        return f"verify {cause.verify_code}"
    if isinstance(cause, causes.TlsFailed) and not isinstance(cause, causes.TlsSilent):
        return cause.openssl or "TLS"
    return _NO_ANSWERS.get(type(cause), "")


def _of_redis(error: RedisError) -> str:
    if redis_code(error) == "NOPERM":
        return "NOPERM"
    prefix = getattr(error, "status_code", None) or str(error).partition(" ")[0]
    if prefix in FIXES:
        return prefix
    if isinstance(error, InvalidResponse):
        return "another protocol"
    text = str(error).removeprefix("ERR ")
    if text in FIXES or text in _ERR:
        return _ERR.get(text, text)
    begins = (code for words, code in _ERR_BEGINS.items() if text.lower().startswith(words))
    if isinstance(error, ResponseError):
        return next(begins, "NOSCRIPT" if isinstance(error, NoScriptError) else "")
    return "closed" if str(error) == "Connection closed by server." else ""


def _text(chain: list[BaseException], code: str) -> str:
    """The innermost that says something, on one line, with its code where the text lacks it."""
    with_text = [each for each in chain if str(each)] or chain
    text = f"{type(with_text[0]).__name__}: {_one_line(with_text[0])}"[:300]
    return text if not code or code in text else f"{text} ({code})"


class Typed(Exception):
    """A library's own message, with the code that was found beside it."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def of_redis(error: Exception, parameters: Mapping[str, Any], *, tls: bool) -> Exception:
    """What no answer of Redis explains, as a typed error: a port that is silent, or speaks TLS."""
    code = code_of(redact.chain_of(error)[-1])
    if code not in _UNEXPLAINED or "host" not in parameters:
        return error
    match _tls_with(Origin("https", str(parameters["host"]), int(parameters["port"]))):
        case None if tls:
            return Typed("connected by TLS, but no answer to PING", "silent")
        case None:
            return Typed(_one_line(error) or "no answer to PING", "TLS port")
        case causes.TlsSilent() if tls:
            return Typed("connected, but no TLS handshake", "no handshake")
        case causes.ResolverFailed() | causes.SlowResolver() as cause:
            return Typed(cause.detail, code_of(cause))
        case causes.TlsFailed() as cause if code == "timeout":
            return Typed(cause.detail, code_of(cause)) if tls else Typed(_SILENT, "silent")
    return error


def _tls_with(origin: Origin) -> causes.NoAnswer | None:
    """Why there is no TLS; whose certificate it is does not matter here."""
    connection = Connection(origin, Route(lax_context()))
    try:
        within(_SECONDS, partial(connection.open, Deadline(_SECONDS)), connection.abandon)
    except causes.NoAnswer as cause:
        return cause
    except TimeUp:
        return connection.timed_out()
    finally:
        connection.close()
    return None


def of_database(error: Exception, parameters: Mapping[str, Any]) -> Exception:
    """Why PostgreSQL cannot be connected to, as a typed error: libpq gives a text only.

    Each layer is tried by itself: name and port, TLS, then the server's answer with its SQLSTATE.
    """
    host, port = str(parameters.get("host", "")), int(parameters.get("port") or 5432)
    if host and not host.startswith("/"):
        try:  # a resolver that is silent looks like a server that is
            with suppress(socket.gaierror):
                within(_SECONDS, partial(socket.getaddrinfo, host, port))
        except TimeUp:
            return Typed(causes.SlowResolver(host).detail, "EAI_AGAIN")
    if not host or any(map(code_of, redact.chain_of(error))):
        return error
    try:
        if not host.startswith("/"):
            _reach(host, port, parameters)
    except (OSError, Typed) as typed:
        return typed
    return Typed(_one_line(error), _sqlstate(parameters))


def _reach(host: str, port: int, parameters: Mapping[str, Any]) -> None:
    """Up to PostgreSQL's TLS. Raises OSError and Typed."""
    mode = str(parameters.get("sslmode", "prefer"))
    with socket.create_connection((host, port), timeout=3) as plain:
        by_tls = _answer_to_tls(plain)
        asked = mode in ("require", "verify-ca", "verify-full")
        if by_tls != b"S":
            if asked:
                raise Typed("the server does not support SSL", "no TLS")
            return
        context = _context(mode, str(parameters.get("sslrootcert") or ""))
        try:
            context.wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLError:
            if asked:
                raise
            raise Typed(_NOT_POSTGRESQL, "another protocol") from None


def _answer_to_tls(plain: socket.socket) -> bytes:
    """S or N: what a PostgreSQL says when it is asked for TLS."""
    try:
        plain.sendall(_SSL_REQUEST)
        answer = plain.recv(1)
    except TimeoutError:
        raise Typed("connected, but no answer", "silent") from None
    if answer not in (b"S", b"N", b"E", b""):
        raise Typed(_NOT_POSTGRESQL, "another protocol")
    return answer


def _context(mode: str, authority: str) -> ssl.SSLContext:
    """As libpq judges certificates by sslmode and sslrootcert."""
    known = authority not in ("", "system")
    if known and not os.access(authority, os.R_OK):
        raise Typed(f"root certificate file {authority}", "no authority")
    context = ssl.create_default_context(cafile=authority if known else None)
    context.check_hostname = mode == "verify-full"
    if mode not in ("verify-ca", "verify-full") and not (known and mode == "require"):
        context.verify_mode = ssl.CERT_NONE
    return context


def _sqlstate(parameters: Mapping[str, Any]) -> str:
    """libpq tells the code of a refused connection to its trace alone; kept in memory here."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    plain = {key: value for key, value in parameters.items() if key in known}
    trace = os.memfd_create("doctor")
    try:
        if _connect_traced(pq.PGconn.connect_start(make_conninfo("", **plain).encode()), trace):
            return "no password"
        os.lseek(trace, 0, os.SEEK_SET)
        found = _TRACED_CODE.search(os.read(trace, 64 * 1024))
    finally:
        os.close(trace)
    return found[1].decode() if found else ""


def _connect_traced(connection: PGconn, trace: int) -> bool:
    """Whether it failed for want of a password."""
    connection.trace(trace)
    for _ in range(300):
        if connection.connect_poll() in (pq.PollingStatus.FAILED, pq.PollingStatus.OK):
            break
        select([connection.socket], [], [], 0.01)
    connection.untrace()
    wanted = connection.needs_password
    connection.finish()
    return wanted


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
