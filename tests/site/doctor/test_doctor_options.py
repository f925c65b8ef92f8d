"""Options of doctor that cannot be: what it says of them, and the exit code of a wrong option."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

CERTIFICATE = str(Path(__file__))  # a file, and no PEM


@pytest.mark.parametrize(("words", "said"), [
    (("--url", "staff"), "Example: --url https://staff.example.com"),
    (("--url", "https://staff.example.com:port"), "--url"),
    (("--url", "https://me:secret@staff.example.com"), "--url"),
    (("--url", "--ca-file", "/nowhere/ca.pem"), "No such file"),
    (("--url", "--ca-file", CERTIFICATE), "must be PEM"),
    (("--ca-file", CERTIFICATE), "add --url"),
    (("--slow",), "add --url"),
    (("--explain", ""), "--explain all"),
    (("--explain", "nonsense"), "docs/reasons.md"),
    (("--explain", "redis.evict"), "redis.eviction"),
    (("--explain", "clock"), "clock.redis, clock.redis_drifts"),
])  # fmt: skip
def test_what_cannot_be_is_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("doctor", *words)
    assert refused.value.returncode == 2
    assert said in str(refused.value)
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize(("id_", "said"), [
    ("security.W004", "warning: "),
    ("redis_clock.crashed", "error: The check of [name] itself failed"),
    ("accounts.E006", "Add [name] to ALLOWED_HOSTS"),
])  # fmt: skip
def test_each_id_that_doctor_can_show_is_explained(
    id_: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("doctor", "--explain", id_)
    text = capsys.readouterr().out
    assert text.startswith(id_)
    assert said in text
