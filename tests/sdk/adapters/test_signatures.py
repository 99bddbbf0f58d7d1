"""SSH signatures: the tool and the library accept and refuse the same, and keys that cannot sign are named."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vendorkit.adapters import signatures
from vendorkit.adapters.signatures import refusal, sign, signing_key
from vendorkit.errors import BadInput, Unavailable

from tests.support.keys import make_key, ssh_keygen

ANN = "ann@bank.example"
PAYLOAD = b'{"kind":"approval"}'
AT = "2026-06-01T12:00:00.250Z"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "ed25519": make_key(folder / "ed25519"),
        "rsa": make_key(folder / "rsa", "rsa"),
        "ecdsa": make_key(folder / "ecdsa", "ecdsa"),
        "other": make_key(folder / "other"),
    }


def public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def without_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures.shutil, "which", lambda name: None)


@pytest.fixture(params=["tool", "library"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Once with ssh-keygen, once as if it were not installed."""
    if request.param == "library":
        without_tool(monkeypatch)
    elif not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed: `apt-get install openssh-client`")
    return str(request.param)


@dataclass(frozen=True)
class Case:
    """One signature and the question whether it counts; `{key}` in `signers` is the key that signed."""

    signers: str = f"{ANN} {{key}}\n"
    payload: bytes = PAYLOAD
    principal: str = ANN
    at: str = AT


ACCEPTED = {
    "plain": Case(),
    "no line end": Case(f"{ANN} {{key}}"),
    "comment behind": Case(f"{ANN} {{key}} Ann's laptop\n"),
    "among comments, blank lines and others": Case(f"# who may\n\nbob@bank.example {{other}}\n{ANN} {{key}}\n"),
    "second key of hers": Case(f"{ANN} {{other}}\n{ANN} {{key}}\n"),
    "pattern": Case("*@bank.example {key}\n"),
    "question mark": Case("a?n@bank.example {key}\n"),
    "list": Case(f"bob@bank.example,{ANN} {{key}}\n"),
    "quoted": Case(f'"{ANN}" {{key}}\n'),
    "negated pattern of another": Case("!eve@bank.example,*@bank.example {key}\n"),
    "namespace": Case(f'{ANN} namespaces="git,vendorkit" {{key}}\n'),
    "namespace pattern": Case(f'{ANN} namespaces="vendor*" {{key}}\n'),
    "valid for long": Case(f'{ANN} valid-after="20260101Z",valid-before="20270101Z" {{key}}\n'),
    "first second": Case(f'{ANN} valid-after="20260601120000Z" {{key}}\n'),
    "last second": Case(f'{ANN} valid-before="20260601120000Z" {{key}}\n'),
    "malformed line of another before": Case(f"bob@bank.example garbage\n{ANN} {{key}}\n"),
    "malformed line of hers before": Case(f"{ANN} garbage\n{ANN} {{key}}\n"),
    "malformed line behind": Case(f"{ANN} {{key}}\n{ANN} garbage\n"),
    "kind of key that the library does not know": Case(f"{ANN} {{ecdsa}}\n{ANN} {{key}}\n"),
}

REFUSED = {
    "changed payload": Case(payload=PAYLOAD + b" "),
    "empty payload": Case(payload=b""),
    "other principal": Case(principal="bob@bank.example"),
    "other case": Case(principal="Ann@bank.example"),
    "part of a principal": Case(principal="nn@bank.example"),
    "another key": Case(f"{ANN} {{other}}\n"),
    "her key stands with another": Case(f"bob@bank.example {{key}}\n{ANN} {{other}}\n"),
    "no signers": Case(""),
    "only comments": Case(f"# {ANN} {{key}}\n"),
    "no principal": Case("{key}\n"),
    "negated": Case(f"!{ANN},*@bank.example {{key}}\n"),
    "negated behind": Case(f"*@bank.example,!{ANN} {{key}}\n"),
    "only negated": Case("!bob@bank.example {key}\n"),
    "brackets are no pattern": Case("[a]nn@bank.example {key}\n"),
    "namespace of another use": Case(f'{ANN} namespaces="git" {{key}}\n'),
    "namespace negated": Case(f'{ANN} namespaces="!vendorkit,*" {{key}}\n'),
    "authority, no key": Case(f"{ANN} cert-authority {{key}}\n"),
    "expired when it signed": Case(f'{ANN} valid-before="20260601Z" {{key}}\n'),
    "expired a second before": Case(f'{ANN} valid-before="20260601115959Z" {{key}}\n'),
    "not yet valid": Case(f'{ANN} valid-after="202606020000Z" {{key}}\n'),
    "not a time in the line": Case(f'{ANN} valid-before="soon" {{key}}\n'),
    "impossible time in the line": Case(f'{ANN} valid-before="20261399Z" {{key}}\n'),
    "unknown option": Case(f'{ANN} colour="red" {{key}}\n'),
    "impossible time of signing": Case(at="2026-13-99T99:00:00Z"),
}


def answer(case: Case, keys: dict[str, Path], name: str) -> str | None:
    signers = case.signers
    for other, key in keys.items():
        signers = signers.replace(f"{{{other}}}", public(key))
    signers = signers.replace("{key}", public(keys[name]))
    return refusal(case.payload, sign(PAYLOAD, keys[name]), case.principal, signers, case.at, ())


@pytest.mark.parametrize("name", ["ed25519", "rsa"])
@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_it_counts(by: str, case: Case, name: str, keys: dict[str, Path]) -> None:
    assert answer(case, keys, name) is None


@pytest.mark.parametrize("name", ["ed25519", "rsa"])
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_it_does_not_count(by: str, case: Case, name: str, keys: dict[str, Path]) -> None:
    why = answer(case, keys, name)
    assert why
    assert "\n" not in why


@pytest.mark.parametrize("name", ["ed25519", "rsa"])
def test_each_accepts_what_the_other_made(name: str, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    signers = f"{ANN} {public(keys[name])}\n"
    by_tool = sign(PAYLOAD, keys[name])
    with monkeypatch.context() as context:
        without_tool(context)
        assert refusal(PAYLOAD, by_tool, ANN, signers, AT, ()) is None
        by_library = sign(PAYLOAD, keys[name])
    assert refusal(PAYLOAD, by_library, ANN, signers, AT, ()) is None


def test_times_without_z_are_local(by: str, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # 9 hours ahead: it is 21:00 there
    time.tzset()
    try:
        assert answer(Case(f'{ANN} valid-before="20260601205959" {{key}}\n'), keys, "ed25519")
        assert answer(Case(f'{ANN} valid-before="20260601210000" {{key}}\n'), keys, "ed25519") is None
        assert answer(Case(f'{ANN} valid-before="20260601120000Z" {{key}}\n'), keys, "ed25519") is None
    finally:
        monkeypatch.undo()
        time.tzset()


def test_another_payload_is_told_in_words(by: str, keys: dict[str, Path]) -> None:
    made = sign(PAYLOAD, keys["ed25519"])
    says = refusal(b"{}", made, ANN, f"{ANN} {public(keys['ed25519'])}\n", AT, ())
    assert says is not None
    assert says.startswith("something else was signed, not this")


def test_a_signature_for_another_use_does_not_count(by: str, keys: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(PAYLOAD)
    ssh_keygen("-Y", "sign", "-n", "git", "-f", str(keys["ed25519"]), str(file))
    made = (tmp_path / "payload.sig").read_text()
    assert refusal(PAYLOAD, made, ANN, f"{ANN} {public(keys['ed25519'])}\n", AT, ())


def changed(made: str, change: Callable[[bytearray], None]) -> str:
    """The armoured signature with its bytes changed."""
    raw = bytearray(base64.b64decode("".join(made.splitlines()[1:-1])))
    change(raw)
    body = base64.b64encode(bytes(raw)).decode()
    lines = [body[place : place + 70] for place in range(0, len(body), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def swapped(made: str, old: bytes, new: bytes) -> str:
    """The armoured signature with the last of some bytes replaced."""

    def swap(raw: bytearray) -> None:
        place = raw.rindex(old)
        raw[place : place + len(old)] = new

    return changed(made, swap)


GARBAGE = {
    "empty": lambda made: "",
    "words": lambda made: "yes, I approve",
    "only its frame": lambda made: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
    "cut": lambda made: made[: len(made) // 2],
    "text before": lambda made: f"hello\n{made}",
    "text behind": lambda made: f"{made}hello\n",
    "twice": lambda made: made + made,
    "not ASCII": lambda made: made.replace("A", "Ä"),
    "half a character": lambda made: made.replace("A", "\ud800"),
    "zero bytes": lambda made: made.replace("A", "\0"),
    "very long": lambda made: made.replace("\n", "\n" + "A" * 1_000_000, 1),
    "other magic": lambda made: changed(made, lambda raw: raw.__setitem__(0, 0)),
    "other version": lambda made: changed(made, lambda raw: raw.__setitem__(9, 2)),
    "length beyond the end": lambda made: changed(made, lambda raw: raw.__setitem__(10, 0x7F)),
    "hash of no SSH signature": lambda made: swapped(made, b"sha512", b"sha384"),
    "hash without a length": lambda made: swapped(made, b"\0\0\0\x06sha512", b"\0\0\0\x09shake_128"),
    "other algorithm": lambda made: swapped(made, b"ssh-ed25519", b"ssh-ed25518"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_does_not_count(by: str, garbage: Callable[[str], str], keys: dict[str, Path]) -> None:
    made = garbage(sign(PAYLOAD, keys["ed25519"]))
    assert refusal(PAYLOAD, made, ANN, f"{ANN} {public(keys['ed25519'])}\n", AT, ())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_does_not_count_for_the_library(
    data: st.DataObject, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tool(monkeypatch)
    made = sign(PAYLOAD, keys["ed25519"])
    raw = base64.b64decode("".join(made.splitlines()[1:-1]))
    place = data.draw(st.integers(0, len(raw) - 1))
    bit = data.draw(st.integers(0, 7))
    broken = changed(made, lambda there: there.__setitem__(place, there[place] ^ (1 << bit)))
    assert refusal(PAYLOAD, broken, ANN, f"{ANN} {public(keys['ed25519'])}\n", AT, ())


def test_a_missing_key_is_named(by: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such key file") as caught:
        sign(PAYLOAD, tmp_path / "nobody")
    assert str(tmp_path / "nobody") in str(caught.value)


FRAMED = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"not a key\n", b"\x00\xff" * 100, FRAMED],
    ids=["empty", "words", "binary", "framed garbage"],
)
def test_a_file_that_is_no_key_is_named(by: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(BadInput, match=re.escape(str(file))):
        sign(PAYLOAD, file)


def test_a_public_key_that_no_agent_holds_cannot_sign(
    by: str, keys: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    alone = tmp_path / "key.pub"
    shutil.copyfile(keys["ed25519"].with_suffix(".pub"), alone)
    with pytest.raises((BadInput, Unavailable), match=re.escape(str(alone))):
        sign(PAYLOAD, alone)


def test_a_locked_key_without_a_terminal_is_refused_at_once(by: str, tmp_path: Path) -> None:
    ssh_keygen("-t", "ed25519", "-N", "correct horse", "-f", str(tmp_path / "locked"))
    code = (
        "import sys; from pathlib import Path; from vendorkit.adapters import signatures\n"
        "if sys.argv[2] == 'library': signatures.shutil.which = lambda name: None\n"
        "signatures.sign(b'payload', Path(sys.argv[1]))"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SSH_ASKPASS")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "locked"), by],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    last = done.stderr.strip()
    assert "vendorkit.errors.BadInput: Cannot sign." in last
    assert "needs its passphrase" in last


def test_a_tool_that_hangs_is_not_waited_for_forever(
    keys: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "ssh-keygen"
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(signatures, "_SECONDS", 0.2)
    with pytest.raises(Unavailable, match="did not answer"):
        sign(PAYLOAD, keys["ed25519"])
    made = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(Unavailable, match="did not answer"):
        refusal(PAYLOAD, made, ANN, "", AT, ())


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_the_key_that_signed_can_be_read(keys: dict[str, Path], by: str, kind: str) -> None:
    assert signing_key(sign(PAYLOAD, keys[kind])) == base64.b64decode(public(keys[kind]).split()[1])


@pytest.mark.parametrize("signature", ["", "x", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"])
def test_what_is_no_signature_has_no_key(signature: str) -> None:
    assert signing_key(signature) == b""
