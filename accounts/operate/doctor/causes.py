"""What an error means and how to fix it: by its type and code, never by words in its text.

Codes: SQLSTATE (PostgreSQL, Appendix A), the prefix of a Redis error (RESP, "Simple errors"),
OpenSSL's verify code (x509_vfy.h) and reason, the errno of getaddrinfo and of the system. An error
without a known code is quoted, and reported as unknown.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
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

with suppress(ImportError):  # a site with another database has no psycopg
    from psycopg import pq
    from psycopg.conninfo import make_conninfo
    from psycopg.pq.abc import PGconn

# {of} is the variable that names the server.
_FIXES: Final = {
    "timeout": "Nothing answers in time: correct host and port in {of}, open the firewall, or see"
    " the server's log: it may hang.",
    "ECONNREFUSED": "Start {server}, or correct host and port in {of}: the machine answers, but"
    " nothing listens there.",
    "ECONNRESET": "The connection was reset: by a firewall, a proxy, or a server that expects TLS"
    " where {of} uses none (or the other way round).",
    "EHOSTUNREACH": "There is no route to that host from here: check routes, VNet and firewall.",
    "ENETUNREACH": "This machine has no route to that network: an IPv6-only address needs IPv6"
    " here.",
    "EAFNOSUPPORT": "This machine has no IPv6, and that address is IPv6-only: use a name or"
    " address with IPv4, or give this machine IPv6.",
    "EADDRNOTAVAIL": "This machine has no address of that kind (IPv6, mostly): use a name"
    " with an IPv4 address.",
    "EACCES": "Let this user open the file or socket that {of} names.",
    "ENOENT": "The file or socket that {of} names does not exist.",
    "EAI_NONAME": "The host name in {of} is not known here: correct it, or the (private) DNS.",
    "EAI_NODATA": "The host name in {of} has no address here: correct it, or the (private) DNS.",
    "EAI_AGAIN": "The resolver does not answer: look at /etc/resolv.conf and the DNS server.",
    "closed": "The server closed the connection without an answer: if its port expects TLS, use TLS"
    " in {of}; otherwise see its log.",
    # OpenSSL, x509_vfy.h
    "verify 9": "The certificate is not valid yet: compare the clocks.",
    "verify 10": "The certificate has expired: renew it.",
    "verify 18": "The certificate is self-signed: install one from an authority, or trust it here"
    " ({trust}).",
    "verify 19": "The chain ends in an authority that is not trusted here: trust it ({trust}), or"
    " look for a TLS-inspecting proxy in between.",
    "verify 20": "The chain is incomplete or its authority is not trusted here: serve the whole"
    " chain (fullchain.pem), or trust the authority ({trust}).",
    "verify 21": "The chain is incomplete: serve the whole chain (fullchain.pem).",
    "verify 62": "The certificate is for another name: get one for this host, or correct the host"
    " in {of}.",
    "verify 64": "The certificate is for another address: use the name that it is for in {of}.",
    "WRONG_VERSION_NUMBER": "That port does not use TLS: use a TLS port, or a scheme without TLS in"
    " {of}.",
    "HTTP_REQUEST": "That port serves plain http: serve TLS there, or correct {of}.",
    "UNEXPECTED_EOF_WHILE_READING": "The TLS handshake was broken off: that port may not use TLS,"
    " or a firewall interferes.",
    "no handshake": "TLS failed: the port accepts connections, but not TLS. rediss:// is for a TLS"
    " port (Azure: 6380 or 10000), redis:// for a plain one.",
    "silent": "The port accepts connections, but {server} does not answer: it hangs, or something"
    " else listens there.",
    "TLS port": "That port expects TLS: write rediss:// for redis:// in {of}.",
    "another protocol": "What listens there is not {protocol}: correct host and port in {of}.",
    "no authority": "The file of authorities that {of} names does not exist, or cannot be read:"
    " mount it, or correct its path ({trust}).",
    "no TLS": "The server does not offer TLS: turn it on there, or take sslmode out of {of} if the"
    " network is private.",
    # PostgreSQL, Appendix A: Error Codes
    "28P01": "User or password in {of} is wrong, or the password has expired (ALTER ROLE it VALID"
    " UNTIL 'infinity'), or was set for md5 where the server wants SCRAM: set it again. With"
    " auth=entra the server's Entra admin runs SELECT * FROM pgaadauth_create_principal('NAME',"
    " false, false); NAME is the identity's and {of}'s user.",
    "28000": "The server refuses this role from here: an unknown role, pg_hba.conf, an Azure"
    " firewall rule, or it demands TLS (?sslmode=verify-full). Correct {of}'s user, or the"
    " rule. With auth=entra the server's Entra admin runs SELECT * FROM"
    " pgaadauth_create_principal('NAME', false, false); NAME is the identity's and {of}'s user.",
    "no password": "The server demands a password, and {of} has none:"
    " postgres://USER:PASSWORD@HOST/NAME",
    "3D000": "That database does not exist: create it, or correct its name at the end of {of}.",
    "53300": "All connections are in use: fewer workers, a pooler, or a larger max_connections.",
    "53100": "The server's disk is full: free space or enlarge it.",
    "53200": "The server is out of memory: give it more, or allow fewer connections.",
    "53400": "A limit of the server's configuration is reached: see its log.",
    "57P02": "Another session crashed, and the server ended all of them: see its log.",
    "57P05": "The server ends idle sessions (idle_session_timeout): set it to 0 for this role.",
    "25P03": "The server ends idle transactions (idle_in_transaction_session_timeout): raise it for"
    " this role, and look for what makes the site wait.",
    "25P01": "A pooler splits transactions: pool_mode = transaction, not statement.",
    "26000": "A pooler gave this session's prepared statements to another: pool_mode = transaction"
    " with max_prepared_statements = 200 (PgBouncer 1.21), or session.",
    "0A000": "The schema changed during an open session: restart the site.",
    "22021": "The database's encoding is not UTF-8: make a new one (CREATE DATABASE NAME ENCODING"
    " 'UTF8' TEMPLATE template0), dump and restore.",
    "3F000": "The role's search_path names no existing schema: ALTER ROLE it SET search_path ="
    " public.",
    "40P01": "A deadlock: two transactions waited for each other. If it happens often, look for"
    " scripts that change the same tables.",
    "42804": "A column has a type that the code does not expect: a schema changed by hand, or of"
    " another release. ./manage.py migrate",
    "42883": "A function is missing: an extension was not restored with the dump. ./manage.py"
    " migrate, or CREATE EXTENSION as its migration does.",
    "58030": "The server cannot read or write its disk: see its log, and its storage.",
    "58P01": "One of the server's files is missing: see its log; restore a backup.",
    "XX001": "The server found corrupted data: see its log; restore a backup.",
    "XX002": "An index is corrupted, as after a change of the system's C library: REINDEX DATABASE"
    " NAME.",
    "P0001": "A database trigger refuses it: the message says which.",
    "57P03": "The server is starting or shutting down: wait, then run doctor again.",
    "57P01": "The server is shutting down or failing over: wait, then run doctor again.",
    "08P01": "A pooler such as PgBouncer answered, and its message says what it needs."
    " Unsupported startup parameter: ignore_startup_parameters = extra_float_digits, options. No"
    " more connections allowed: a larger max_client_conn. Connect failed, or server login: its own"
    " connection to PostgreSQL.",
    "42501": "GRANT the role of DATABASE_URL what the message names.",
    "42P01": "A table is missing: ./manage.py migrate",
    "42703": "A column is missing: the code is newer than the schema. ./manage.py migrate",
    "25006": "The server is read-only (a replica, or out of disk on Azure): set DATABASE_URL to the"
    " primary, or free space.",
    "23505": "A sequence is behind its table (a restored dump): ./manage.py sqlsequencereset"
    " accounts socialaccount | ./manage.py dbshell",
    "55000": "The database accepts no connections: ALTER DATABASE NAME WITH ALLOW_CONNECTIONS"
    " true.",
    "57014": "The statement took too long: look for locks, an overloaded server, and a"
    " statement_timeout set on the role or database (SHOW statement_timeout).",
    "55P03": "Another session holds a lock: look for an open transaction or a migration.",
    # Redis, first word of an error
    "NOAUTH": "REDIS_URL needs the password: rediss://:PASSWORD@host:6380/0",
    "WRONGPASS": "The user or password in REDIS_URL is wrong: copy the access key again; with"
    " auth=entra add the identity under the Redis's Authentication.",
    "NOPERM": "The Redis user in REDIS_URL may not do this: allow it by ACL SETUSER (what is needed"
    " is in docs/deploy.md), or widen it to +@all ~*.",
    "OOM": "Redis is full: raise maxmemory, or give this site a Redis of its own.",
    "READONLY": "REDIS_URL leads to a replica: set it to the master, or to the Sentinels.",
    "NOREPLICAS": "The master lacks its replicas and refuses writes: repair the replication.",
    "DENIED": "Redis is in protected mode: without a password it accepts no connection from another"
    " machine. Set one (requirepass, or ACL SETUSER), put it into {of}, and use TLS.",
    "MISCONF": "Redis cannot save to its disk and refuses writes: free space, and see its log.",
    "MOVED": "The Redis user may not query the cluster: ACL SETUSER NAME +cluster|slots.",
    "CROSSSLOT": "A proxy that answers as one server spreads keys over several: use one server, or"
    " the cluster itself.",
    "TRYAGAIN": "The cluster is moving keys between its nodes: wait, then run doctor again.",
    "NOSCRIPT": "A script was lost between two commands: two servers share one name, or a proxy"
    " alternates between servers. Set {of} to one of them.",
    "WRONGTYPE": "Another program uses keys of the same names: give this site a Redis, or a"
    " database number, of its own.",
    "unknown command": "The server lacks a Redis command that a sign-in needs: it is too old, the"
    " command was renamed (rename-command), or it is a proxy. Use Redis 7 itself.",
    "request limit": "The provider's request limit is used up: use a larger plan, or another"
    " provider.",
    "CLUSTERDOWN": "The Redis cluster is down: look at its nodes (CLUSTER INFO).",
    "LOADING": "Redis is still loading its data: wait, then run doctor again.",
    "MASTERDOWN": "The replica has lost its master: start the master, or set {of} to another one.",
    "BUSY": "A script blocks Redis: SCRIPT KILL, and find out whose it is.",
    "NOPROTO": "This Redis is older than 6: upgrade to 7 or newer.",
    "DB index is out of range": "That database does not exist: end REDIS_URL with /0.",
    "SELECT is not allowed in cluster mode": "A cluster has one database: end {of} with /0.",
    "max number of clients reached": "All connections are in use: fewer workers, or a larger"
    " maxclients.",
    "no password set": "Redis has no password for this user: take it out of REDIS_URL.",
    "no master": "No Sentinel knows a master by that name: correct REDIS_URL, or the Sentinels.",
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
    " in between."
)
# By variable: the server, its protocol, and where to name an authority to trust.
_SERVERS: Final = {
    "REDIS_URL": ("Redis", "Redis", "?ssl_ca_certs=/path/ca.pem in REDIS_URL"),
    "DATABASE_URL": (
        "the database server",
        "PostgreSQL",
        "?sslmode=verify-full&sslrootcert=/path/ca.pem in DATABASE_URL",
    ),
    "PUBLIC_URL": ("the site or its proxy", "web server", "--ca-file FILE"),
}
# Redis errors with the general prefix ERR: whole texts, as redis-py compares them, or beginnings.
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
_AMBIGUOUS: Final = ("timeout", "closed", "ECONNRESET", "another protocol")
_SECONDS: Final = 2.0  # for each layer
_SECONDS_IN_ALL: Final = 6.0
_NOT_POSTGRESQL: Final = "an answer that is not PostgreSQL's"
_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)  # PostgreSQL, "Message Formats"
_TRACED_CODE: Final = re.compile(rb'ErrorResponse.*? C "([0-9A-Z]{5})"')


def facts_of(error: BaseException, of: str) -> dict[str, str]:
    """`code`, `cause` and `fix` of an error with the server that the variable `of` names."""
    chain = redact.chain_of(error)[::-1]  # the innermost first
    own_fix = next(filter(None, (str(getattr(cause, "fix", "")) for cause in chain)), "")
    code = next(filter(None, map(code_of, chain)), "")
    return {"code": code, "cause": _text(chain, code), "fix": own_fix or fix_of(code, of)}


def facts_of_connecting(
    error: Exception, of: str, explain: Callable[[Exception], Exception]
) -> dict[str, str]:
    """As facts_of, after `explain` has tried the layers of the connection one by one."""
    with suppress(Exception):  # the original error says more than a failed attempt to explain it
        error = within(_SECONDS_IN_ALL, partial(explain, error))
    return facts_of(error, of)


def fix_of(code: str, of: str) -> str:
    """What to do about an error of this code."""
    server, protocol, trust = _SERVERS[of]
    return FIXES.get(code, UNKNOWN).format(of=of, trust=trust, server=server, protocol=protocol)


def code_of(error: BaseException) -> str:
    """The error's key in FIXES; "" when it has none."""
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
    return str(getattr(error, "sqlstate", None) or getattr(error, "code", None) or "")


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
    """The innermost error with a text, on one line, with the code where the text lacks it."""
    with_text = [error for error in chain if str(error)] or chain
    text = f"{type(with_text[0]).__name__}: {_one_line(with_text[0])}"[:300]
    return text if not code or code in text else f"{text} ({code})"


class CodedError(Exception):
    """A message, with the code that was found for it."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def explain_redis(error: Exception, parameters: Mapping[str, Any], *, tls: bool) -> Exception:
    """For an ambiguous error, whether the port is silent or expects TLS; else the error itself."""
    code = code_of(redact.chain_of(error)[-1])
    if code not in _AMBIGUOUS or "host" not in parameters:
        return error
    match _tls_problem(Origin("https", str(parameters["host"]), int(parameters["port"]))):
        case None if tls:
            return CodedError("connected by TLS, but no answer to PING", "silent")
        case None:
            return CodedError(_one_line(error) or "no answer to PING", "TLS port")
        case causes.TlsSilent() if tls:
            return CodedError("connected, but no TLS handshake", "no handshake")
        case causes.ResolverFailed() | causes.SlowResolver() as cause:
            return CodedError(cause.detail, code_of(cause))
        case causes.TlsFailed() as cause if tls and code == "timeout":
            return CodedError(cause.detail, code_of(cause))
        case causes.TlsFailed() if code == "timeout":
            return CodedError("connected, but no answer to PING", "silent")
    return error


def _tls_problem(origin: Origin) -> causes.NoAnswer | None:
    """Why TLS with this port fails, whatever its certificate; None when it works."""
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


def explain_postgresql(error: Exception, parameters: Mapping[str, Any]) -> Exception:
    """Why there is no connection, with a code: libpq gives a text only.

    The layers are tried one by one: name and port, TLS, then the server's SQLSTATE.
    """
    host, port = str(parameters.get("host", "")), int(parameters.get("port") or 5432)
    is_remote = bool(host) and not host.startswith("/")
    if is_remote:
        try:  # to libpq a silent resolver looks like a silent server
            with suppress(socket.gaierror):
                within(_SECONDS, partial(socket.getaddrinfo, host, port))
        except TimeUp:
            return CodedError(causes.SlowResolver(host).detail, "EAI_AGAIN")
    if not host or any(map(code_of, redact.chain_of(error))):
        return error
    try:
        if is_remote:
            _connect_by_tls(host, port, parameters)
    except (OSError, CodedError) as problem:
        return problem
    return CodedError(_one_line(error), _sqlstate(parameters))


def _connect_by_tls(host: str, port: int, parameters: Mapping[str, Any]) -> None:
    """TLS as sslmode demands it. Raises OSError and CodedError."""
    mode = str(parameters.get("sslmode", "prefer"))
    demands_tls = mode in ("require", "verify-ca", "verify-full")
    with socket.create_connection((host, port), timeout=3) as plain:
        if _reply_to_ssl_request(plain) != b"S":
            if demands_tls:
                raise CodedError("the server does not support SSL", "no TLS")
            return
        context = _context(mode, str(parameters.get("sslrootcert") or ""))
        try:
            context.wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLError:
            if demands_tls:
                raise
            raise CodedError(_NOT_POSTGRESQL, "another protocol") from None


def _reply_to_ssl_request(plain: socket.socket) -> bytes:
    """S or N from PostgreSQL; E or nothing where it has an error."""
    try:
        plain.sendall(_SSL_REQUEST)
        reply = plain.recv(1)
    except TimeoutError:
        raise CodedError("connected, but no answer", "silent") from None
    if reply not in (b"S", b"N", b"E", b""):
        raise CodedError(_NOT_POSTGRESQL, "another protocol")
    return reply


def _context(mode: str, authority: str) -> ssl.SSLContext:
    """Verifies certificates as libpq does by sslmode and sslrootcert."""
    is_file = authority not in ("", "system")
    if is_file and not os.access(authority, os.R_OK):
        raise CodedError(f"root certificate file {authority}", "no authority")
    context = ssl.create_default_context(cafile=authority if is_file else None)
    context.check_hostname = mode == "verify-full"
    if mode not in ("verify-ca", "verify-full") and not (is_file and mode == "require"):
        context.verify_mode = ssl.CERT_NONE
    return context


def _sqlstate(parameters: Mapping[str, Any]) -> str:
    """libpq writes the code of a refused connection only to its trace, which is in memory here."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    of_libpq = {key: value for key, value in parameters.items() if key in known}
    trace = os.memfd_create("doctor")
    try:
        if _lacks_password(pq.PGconn.connect_start(make_conninfo("", **of_libpq).encode()), trace):
            return "no password"
        os.lseek(trace, 0, os.SEEK_SET)
        found = _TRACED_CODE.search(os.read(trace, 64 * 1024))
    finally:
        os.close(trace)
    return found[1].decode() if found else ""


def _lacks_password(connection: PGconn, trace: int) -> bool:
    """Connect, with a trace; whether the server demanded a password that is not there."""
    connection.trace(trace)
    for _ in range(300):
        if connection.connect_poll() in (pq.PollingStatus.FAILED, pq.PollingStatus.OK):
            break
        select([connection.socket], [], [], 0.01)
    connection.untrace()
    is_missing = connection.needs_password
    connection.finish()
    return is_missing


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
