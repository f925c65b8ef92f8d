"""docs/deploy.md as it stands: each block is run, with this machine's ports and paths put in."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from accounts.models import User
from project import variables
from project.redis_cache import key_prefix
from tests import fixtures
from tests.servers import forked
from tests.servers.debian import program
from tests.servers.nginx import write_certificate
from tests.servers.ports import LOOPBACK, answers, free_port
from tests.servers.process import ROOT, Process, clean_environment, scratch, unprivileged_user
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support import redis_rights
from tests.support.visitor import Visitor

PAGE = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
HOST = "staff.example.com"


def block(beginning: str) -> str:
    """The block that begins with this; a first line that names its file counts."""
    found = [text for text in re.findall(r"```\w*\n(.*?)```", PAGE, re.S) if beginning in text[:60]]
    assert len(found) == 1, beginning
    return str(found[0])


def as_systemd_reads(text: str) -> dict[str, str]:
    """By systemd's own reader of such files, which its generator of environments has as well."""
    folder = scratch("systemd")
    (folder / "environment.d").mkdir()
    (folder / "environment.d" / "staff.conf").write_text(text)
    generators = Path("/usr/lib/systemd/user-environment-generators")
    done = subprocess.run(
        [generators / "30-systemd-environment-d-generator"],
        env={"XDG_CONFIG_HOME": str(folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    read = dict(line.split("=", 1) for line in shlex.split(done.stdout))
    names = [line.partition("=")[0] for line in text.splitlines() if line[:1] not in "#;"]
    return {name: read[name] for name in names if name}


def test_what_stands_behind_a_value_is_taken_for_a_part_of_it() -> None:
    """Why the page warns of it: systemd keeps what a shell would drop."""
    assert as_systemd_reads("A=1 # one\nB=two#2\n") == {"A": "1 # one", "B": "two#2"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The block's, with the secrets' files where a test may write them."""
    read = as_systemd_reads(block("# /etc/staff.env"))
    for name, value in read.items():
        if name.endswith("_FILE"):
            path = tmp_path / Path(value).name
            path.write_text("abc8Q~" + "".join(map(chr, range(48, 123))).replace("\\", "") + "\n")
            read[name] = str(path)
    return read


def test_the_environment_is_good(environment: dict[str, str]) -> None:
    public_url = variables.load(environment).PUBLIC_URL
    assert public_url == f"https://{HOST}"
    assert not [line for line in block("# /etc/staff.env").splitlines() if " #" in line[1:]]


def unit() -> dict[str, str]:
    lines = block("# /etc/systemd").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_systemd_has_no_complaint_of_the_unit(tmp_path: Path) -> None:
    program_ = tmp_path / ".venv" / "bin" / "gunicorn"
    program_.parent.mkdir(parents=True)
    program_.write_text("#!/bin/sh\n")
    program_.chmod(0o755)
    written = tmp_path / "staff.service"
    written.write_text(block("# /etc/systemd").replace("/srv/staff", str(tmp_path)))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(written)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_run_knows_what_the_script_says_to_it(tmp_path: Path) -> None:
    """There is no systemd to run it here: it gets as far as to look for one."""
    script = tmp_path / "staff"
    script.write_text(block("#!/bin/sh"))
    script.chmod(0o755)
    said = subprocess.run([script, "check"], capture_output=True, text=True, check=False)
    unknown = ("unrecognized", "invalid", "Failed to parse", "Unknown")
    assert not [word for word in unknown if word in said.stderr], said.stderr


def test_the_unit_starts_the_site(environment: dict[str, str]) -> None:
    command = unit()["ExecStart"].replace("/srv/staff/.venv/bin/gunicorn", "-m gunicorn")
    words = [*command.split(), "--check-config"]
    done = forked.run(*words, env=clean_environment(**environment))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_shell_gets_what_the_unit_gets(tmp_path: Path) -> None:
    """With a systemd-run that says how it was called."""
    fake, script = tmp_path / "systemd-run", tmp_path / "staff"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    script.write_text(block("#!/bin/sh"))
    for each in (fake, script):
        each.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    said = subprocess.run([script, "doctor", "--url"], env=env, capture_output=True, text=True)
    options = dict(line[2:].split("=", 1) for line in said.stdout.splitlines() if "=" in line)
    given = {"uid": "User", "working-directory": "WorkingDirectory"}
    assert {name: options[name] for name in given} == {n: unit()[u] for n, u in given.items()}
    assert options["property"] == f"EnvironmentFile={unit()['EnvironmentFile']}"
    assert said.stdout.endswith("/srv/staff/.venv/bin/python\nmanage.py\ndoctor\n--url\n")


# A view of our own: what is copied in place of the image's files goes with it.
IMAGE = """\
set -e
cp -a /etc {root}/etc
mount --bind {root}/etc /etc
{layers}
mount --bind / /
mount -o remount,ro,bind /
exec setpriv --reuid {user} --regid {user} --clear-groups \\
    --inh-caps +dac_read_search --ambient-caps +dac_read_search env -u HOME {command}
"""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order: the word, and what follows it."""
    return [
        (word, rest)
        for line in block("FROM python").strip().splitlines()
        for word, _, rest in [line.partition(" ")]
    ]


def layers(root: Path) -> Iterator[str]:
    """Each instruction as a line of a shell, in `root` for the image's own files."""
    place = root
    for word, rest in instructions():
        match word, rest.split():
            case "WORKDIR", [folder]:
                place = root / folder.lstrip("/")
                yield f"mkdir -p {place} && cd {place}"
            case "COPY", [".", "."]:
                files = "git ls-files -z | xargs -0 cp --parents -t"
                yield f"(cd {ROOT} && {files} {place})"
            case "COPY", [source, target]:
                yield f"cp -r {ROOT / source} {place / target}"
            case "RUN", _:
                yield rest


@pytest.mark.django_db(transaction=True)
def test_the_image_is_built_step_by_step_and_serves_read_only(
    emulator: Any, tmp_path: Path
) -> None:
    """Its packages are those that are installed already: pip must find nothing missing."""
    User.objects.create_user("staff@contoso.example")
    read = dict(instructions())
    command = shlex.join(json.loads(read["CMD"]))
    script = IMAGE.format(
        root=tmp_path, layers="\n".join(layers(tmp_path)), user=read["USER"], command=command
    )
    port = free_port()
    own = {"PUBLIC_URL": f"http://localhost:{port}", "PORT": str(port), "WEB_CONCURRENCY": "1"}
    tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"}
    shared = {name: value for name, value in fixtures.ENVIRONMENT.items() if name != "PUBLIC_URL"}
    image = Process(
        "the image",
        ["unshare", "--mount", "sh", "-c", script],
        env=clean_environment(**shared, **own) | tools,
        log=scratch("image") / "log",
    )
    image.start()
    try:
        image.wait_until(lambda: answers(port), seconds=60)
        visitor = Visitor(own["PUBLIC_URL"])
        assert visitor.sign_in().status == 302
        hashed = re.compile(r"/static/admin/css/base\.[0-9a-f]{12}\.css")
        assert hashed.search(visitor.get("/admin/").text)
        assert "Traceback" not in image.log_text()
    finally:
        image.stop()


def test_manage_py_finds_its_environment() -> None:
    """`./manage.py`, where no `python` is, or one without Django."""
    done = subprocess.run(
        ["./manage.py", "check"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "DEBUG": "true", "HOME": "/tmp"},  # noqa: S108
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[int, int, Path]]:
    """The block's two servers on ports of this machine: the site's, nginx's, the certificate."""
    site, by_tls, plain = free_port(), free_port(), free_port()
    folder = scratch("nginx-page")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    write_certificate(certificate, key)
    servers = block("server {")
    for old, new in (
        ("listen 443 ssl", f"listen {LOOPBACK}:{by_tls} ssl"),
        ("listen 80", f"listen {LOOPBACK}:{plain}"),
        (HOST, "localhost"),
        ("/etc/ssl/staff.pem", str(certificate)),
        ("/etc/ssl/staff.key", str(key)),
        (f"{LOOPBACK}:8000", f"{LOOPBACK}:{site}"),
    ):
        assert old in servers
        servers = servers.replace(old, new)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if unprivileged_user() else ""
    (folder / "conf").write_text(
        f"daemon off; pid {folder}/pid; {user} events {{}} http {{ access_log off;"
        f" client_body_temp_path {folder}/body; {paths}\n{servers}\n}}"
    )
    command = [str(program("nginx")), "-c", str(folder / "conf"), "-e", str(folder / "log")]
    process = Process("nginx", command, log=folder / "log")
    process.start()
    process.wait_until(lambda: answers(by_tls), seconds=15)
    yield site, by_tls, certificate
    process.stop()


@pytest.mark.django_db(transaction=True)
def test_people_sign_in_through_the_pages_nginx(
    start_site: Callable[..., Site], nginx: tuple[int, int, Path]
) -> None:
    """On a port of its own, which `Host` must keep."""
    User.objects.create_user("staff@contoso.example")
    port, by_tls, certificate = nginx
    url = f"https://localhost:{by_tls}"
    start_site(workers=1, PUBLIC_URL=url, TRUSTED_PROXY_COUNT="1", port=port)
    visitor = Visitor(url, verify=str(certificate))
    assert visitor.sign_in().status == 302
    assert visitor.is_in()


@pytest.fixture
def guarded() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.mark.django_db(transaction=True)
def test_the_pages_redis_user_may_all_that_a_sign_in_does(
    start_site: Callable[..., Site], guarded: Redis
) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    port = free_port()
    site_keys = key_prefix(f"http://localhost:{port}")
    command = block("ACL SETUSER").strip().replace(key_prefix(f"https://{HOST}"), site_keys)
    asked: Any = guarded.client()
    asked.execute_command(*command.split())
    redis_url = f"redis://staff:PASSWORD@{LOOPBACK}:{guarded.port}/0"
    site = start_site(workers=1, REDIS_URL=redis_url, port=port)
    visitor = Visitor(site.url)
    assert visitor.sign_in().status == 302
    assert visitor.get("/admin/accounts/user/").status == 200
    assert visitor.sign_out().status == 200
    denied = [entry for entry in guarded.client().acl_log() if entry["reason"] != "auth"]
    assert denied == []


def test_the_page_says_what_the_code_says() -> None:
    assert redis_rights.acl_rules().partition(" +")[2] in block("ACL SETUSER")


def test_a_right_that_is_missing_is_named(guarded: Redis) -> None:
    asked: Any = guarded.client()
    asked.execute_command("ACL", "SETUSER", "staff", "on", ">x", "~staff:*", "+ping")
    with pytest.raises(NoPermissionError, match="'get' command"):
        redis.Redis(port=guarded.port, username="staff", password="x").get("staff:x")
