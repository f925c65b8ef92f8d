"""Debian's nginx before one or several sites: round robin, TLS, and the mistakes proxies make."""

import datetime
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.debian import program
from tests.servers.ports import LOOPBACK, answers, free_port
from tests.servers.process import NotStarted, Process, scratch, unprivileged_user

CONFIGURATION = """\
daemon off;
pid {directory}/nginx.pid;
{user}
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream sites {{
{upstreams}
    }}
    server {{
        listen {address}{tls};
        server_name _;
{certificate}
        location / {{
            proxy_pass http://sites;
{headers}
        }}
    }}
}}
"""


class Nginx:
    """`with Nginx([site.port]) as proxy: proxy.url`. `certificate` is what clients must trust.

    `headers` are sent on besides the usual ones, or instead of them; nginx's variables count.
    """

    def __init__(
        self,
        upstreams: Sequence[int],
        *,
        port: int = 0,
        tls: bool = True,
        forwarded_proto: bool = True,
        keep_host: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.upstreams, self.tls = list(upstreams), tls
        self.forwarded_proto, self.keep_host = forwarded_proto, keep_host
        self.headers = dict(headers or {})
        self.port = port or free_port()
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self._directory = scratch("nginx")
        self.certificate = self._directory / "certificate.pem"
        self._process: Process | None = None

    def start(self) -> Self:
        if (nginx := program("nginx")) is None:
            raise NotStarted("nginx is missing: sudo apt-get install nginx-light")
        if self.tls:
            write_certificate(self.certificate, self._key)
        configuration = self._directory / "nginx.conf"
        configuration.write_text(self._configuration())
        log = self._directory / "log"
        command = [nginx, "-c", str(configuration), "-p", str(self._directory), "-e", str(log)]
        self._process = Process("nginx", command, log=log)
        self._process.start()
        self._process.wait_until(lambda: answers(self.port), seconds=15)
        return self

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _key(self) -> Path:
        return self._directory / "key.pem"

    def _configuration(self) -> str:
        return CONFIGURATION.format(
            directory=self._directory,
            user="user root;" if unprivileged_user() else "",
            upstreams="\n".join(f"server {LOOPBACK}:{port};" for port in self.upstreams),
            address=f"{LOOPBACK}:{self.port}",
            tls=" ssl" if self.tls else "",
            certificate=self._certificate_lines() if self.tls else "",
            headers="\n".join(self._headers()),
        )

    def _certificate_lines(self) -> str:
        return f"ssl_certificate {self.certificate};\nssl_certificate_key {self._key};"

    def _headers(self) -> list[str]:
        proto = "$scheme" if self.forwarded_proto else '""'
        sent = {
            **({"Host": "$http_host"} if self.keep_host else {}),
            "X-Forwarded-For": "$proxy_add_x_forwarded_for",
            "X-Forwarded-Proto": proto,
            **self.headers,
        }
        return [f"proxy_set_header {name} {value};" for name, value in sent.items()]


def write_certificate(certificate: Path, key: Path) -> None:
    """A self-signed certificate for localhost, valid for a day."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
