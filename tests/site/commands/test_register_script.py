"""`microsoft_app register`: one paste for Entra, run for real in bash against an `az` of ours."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import RoleMapping
from accounts.operate import register_script
from tests.emulator.ids import TENANT
from tests.support.certificates import both, certificate
from tests.support.operators import fail, run

pytestmark = pytest.mark.django_db

# Asks the tenant that made it: an interpreter for each call would cost ten times as much.
AZ = """#!/usr/bin/env bash
printf '%s\\0' "$@" > '{home}/asked'
exec 3<>/dev/tcp/127.0.0.1/{port}
read -r status <&3
cat <&3
exit "$status"
"""
# The one on the path may be a script that looks for one first.
PYTHON = f"""#!/bin/sh
exec '{sys.executable}' -IS "$@"
"""


class Tenant:
    """An Entra that the script talks to by `az`; it keeps a list of what was written."""

    def __init__(self, home: Path, **state: Any) -> None:
        self.home = home
        empty = {"app": {}, "sp": False, "required": "false", "secrets": [], "certificates": []}
        empty["principal"] = "principal-id"
        self.state: dict[str, Any] = {**empty, "federated": [], "wrote": [], "next": "new", **state}

    def paste(self, script: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
            self._write("az", AZ.format(home=self.home, port=listener.getsockname()[1]))
            self._write("python3", PYTHON)
            try:
                done = subprocess.run(
                    ["bash"],
                    input=script,
                    env={**os.environ, "PATH": f"{self.home}:{os.environ['PATH']}"},
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=60,
                )
            finally:
                listener.shutdown(socket.SHUT_RDWR)
        return done.stdout

    def forget_writes(self) -> None:
        self.state["wrote"] = []

    def _write(self, name: str, text: str) -> None:
        program = self.home / name
        program.write_text(text)
        program.chmod(0o755)

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it was shut down
            while True:
                asker, _ = listener.accept()
                with asker:
                    status, out = self._az((self.home / "asked").read_text().split("\0")[:-1])
                    asker.sendall(f"{status}\n{out}\n".encode())

    def _az(self, words: list[str]) -> tuple[int, str]:
        """Exit status and output of `az WORDS`."""
        verb = " ".join(takewhile(lambda word: not word.startswith("-"), words))
        options = dict(pairwise(words))
        if verb == "rest":
            verb += f" {options['--method']}"
        kept = self.state["certificates" if "--cert" in words else "secrets"]
        if (write := self._writes(options, kept).get(verb)) is not None:
            self.state["wrote"].append(" ".join(words[:4]))
            return 0, write() or ""
        reads = self._reads(words, kept)
        if verb not in reads:
            return 2, f"az knows no {words}"
        answer = reads[verb]
        return (3, "") if answer is None else (0, answer)

    def _reads(self, words: list[str], kept: list[str]) -> dict[str, str | None]:
        """What it says, and None for what is not there."""
        state = self.state
        return {
            "cloud show": "https://graph.example/",
            "account show": TENANT,
            "ad app credential list": "\n".join(kept) if "--cert" in words else f"{len(kept)}",
            "ad app federated-credential list": "\n".join(
                f"{one['issuer']}\t{one['subject']}" for one in state["federated"]
            ),
            "identity list": state["principal"],
            "ad app show": "object-id" if state["app"] else None,
            "ad app list": "app-id" if state["app"] else "",
            "ad sp show": state["required"] if state["sp"] else None,
            "rest GET": json.dumps(state["app"]),
        }

    def _writes(
        self, options: dict[str, str], kept: list[str]
    ) -> dict[str, Callable[[], str | None]]:
        state = self.state

        def reset() -> str:
            kept.append(state["next"])
            return "" if "--cert" in options else "a-secret"

        def create() -> str:
            state["app"] = {"displayName": options["--display-name"]}
            return "app-id"

        def sent(option: str) -> Any:
            return json.loads(Path(options[option].removeprefix("@")).read_text())

        return {
            "ad app credential reset": reset,
            "ad app federated-credential create": lambda: state["federated"].append(
                sent("--parameters")
            ),
            "ad app create": create,
            "ad sp create": lambda: state.update(sp=True),
            "ad sp update": lambda: state.update(required="true"),
            "rest PATCH": lambda: state["app"].update(sent("--body")),
        }


def test_the_first_paste_makes_all_and_the_second_nothing(tmp_path: Path) -> None:
    tenant, script = Tenant(tmp_path), run("microsoft_app", "register", "--role", "Staff")
    said = tenant.paste(script)
    assert "a-secret" in said
    assert "MICROSOFT_CLIENT_ID=app-id" in said
    app = tenant.state["app"]
    assert app["signInAudience"] == "AzureADMyOrg"
    assert app["web"]["redirectUris"] == ["http://testserver/accounts/microsoft/login/callback/"]
    assert app["web"]["logoutUrl"] == "http://testserver/accounts/microsoft/logout/"
    claims = [one["name"] for one in app["optionalClaims"]["idToken"]]
    assert claims[:4] == ["email", "acct", "sid", "login_hint"]
    assert [one["value"] for one in app["appRoles"]] == ["Staff"]
    assert tenant.state["required"] == "true"
    tenant.forget_writes()
    assert "a-secret" not in tenant.paste(script)
    assert tenant.state["wrote"] == []


def test_what_others_entered_stays(tmp_path: Path) -> None:
    theirs = {
        "displayName": "Ours",
        "web": {"redirectUris": ["https://old.example/"], "homePageUrl": "https://x.example/"},
        "appRoles": [{"value": "Auditor", "id": "1"}],
        "optionalClaims": {"idToken": [{"name": "email", "essential": True}], "saml2Token": []},
    }
    tenant = Tenant(tmp_path, app=theirs)
    tenant.paste(run("microsoft_app", "register", "--role", "Staff"))
    app = tenant.state["app"]
    assert app["displayName"] == "Ours"
    assert app["web"]["homePageUrl"] == "https://x.example/"
    assert app["web"]["redirectUris"][0] == "https://old.example/"
    assert len(app["web"]["redirectUris"]) == 2
    assert [one["value"] for one in app["appRoles"]] == ["Auditor", "Staff"]
    assert app["optionalClaims"]["idToken"][0] == {"name": "email", "essential": True}


def test_the_roles_of_the_mapping_are_made_and_groups_are_none(tmp_path: Path) -> None:
    for value in ("Staff", "Superuser", TENANT):
        RoleMapping.objects.create(value=value)
    tenant = Tenant(tmp_path)
    tenant.paste(run("microsoft_app", "register", "--role", "Auditor"))
    roles = tenant.state["app"]["appRoles"]
    assert [one["value"] for one in roles] == ["Auditor", "Staff", "Superuser"]
    assert len({one["id"] for one in roles}) == 3


@pytest.mark.parametrize("in_base64", [False, True])
def test_a_certificate_is_uploaded_once_and_without_its_key(
    in_base64: bool, tmp_path: Path, settings: Settings
) -> None:
    settings.MICROSOFT_CLIENT_CERTIFICATE = both(certificate())
    made = register_script.plan().credential
    script = run("microsoft_app", "register")
    assert "PRIVATE KEY" not in script
    tenant = Tenant(tmp_path, next=made["thumbprint_in_base64" if in_base64 else "thumbprint"])
    assert "The certificate was added" in tenant.paste(script)
    tenant.forget_writes()
    tenant.paste(script)
    assert tenant.state["wrote"] == []


def test_a_federated_credential_is_made_once(tmp_path: Path, settings: Settings) -> None:
    import jwt

    from tests.support.keys import private_key

    token = tmp_path / "token"
    claims = {"iss": "https://oidc.example/", "sub": "system:serviceaccount:a:b", "aud": "api://x"}
    token.write_text(jwt.encode(claims, private_key("cluster"), "RS256"))
    settings.MICROSOFT_TOKEN_FILE = str(token)
    tenant, script = Tenant(tmp_path), run("microsoft_app", "register")
    assert token.read_text() not in script
    for _ in range(2):
        tenant.paste(script)
    [made] = tenant.state["federated"]
    assert (made["issuer"], made["subject"]) == (claims["iss"], claims["sub"])
    assert made["audiences"] == ["api://x"]


def test_a_managed_identity_that_is_not_here_is_found_by_its_client_id(
    tmp_path: Path, settings: Settings
) -> None:
    settings.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID = TENANT
    tenant, script = Tenant(tmp_path), run("microsoft_app", "register")
    for _ in range(2):
        tenant.paste(script)
    [made] = tenant.state["federated"]
    assert made["subject"] == "principal-id"
    assert made["issuer"] == f"{settings.MICROSOFT_LOGIN_URL}/{TENANT}/v2.0"
    assert made["audiences"] == ["api://AzureADTokenExchange"]


def test_a_token_file_that_is_not_here_makes_nothing_wrong(
    tmp_path: Path, settings: Settings
) -> None:
    settings.MICROSOFT_TOKEN_FILE = str(tmp_path / "nowhere")
    tenant, script = Tenant(tmp_path), run("microsoft_app", "register")
    with pytest.raises(subprocess.CalledProcessError) as ended:
        tenant.paste(script)
    assert "print it in a pod" in ended.value.stderr
    assert tenant.state["federated"] == []


@pytest.mark.parametrize(("step_up", "claim"), [("login", "auth_time"), ("c1", "acrs")])
def test_claims_are_asked_for_as_the_settings_need_them(
    step_up: str, claim: str, settings: Settings
) -> None:
    settings.STEP_UP = step_up
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TENANT, "b"})
    manifest = json.loads(run("microsoft_app", "register", "--manifest"))
    names = [one["name"] for one in manifest["optionalClaims"]["idToken"]]
    assert names == ["email", "acct", "sid", "login_hint", "xms_edov", claim]
    assert manifest["signInAudience"] == "AzureADMultipleOrgs"


def test_nothing_in_a_name_becomes_a_command(tmp_path: Path, settings: Settings) -> None:
    tenant = Tenant(tmp_path)
    role = f"x';touch${{IFS}}{tmp_path}/owned;'"
    tenant.paste(run("microsoft_app", "register", "--role", role))
    assert not (tmp_path / "owned").exists()
    assert tenant.state["app"]["appRoles"][0]["value"] == role


def test_a_role_named_like_code_of_the_script_is_a_role() -> None:
    odd = ("{{", "{%if%}", "it's", "$(id)", "`id`", "a;b", "JSON", "PYTHON", "%s", "{0}")
    made = register_script.plan(odd)
    text = register_script.script(made)
    assert text.count("az ad app credential list") == 1
    assert [role["value"] for role in json.loads(register_script.manifest(made))["appRoles"]] == [
        *odd
    ]
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


def test_what_can_be_no_role_is_not_printed() -> None:
    assert "no role's Value" in fail("microsoft_app", "register", "--role", "Admin staff").error
