"""SSH keys for tests, made without OpenSSH: a newcomer's machine may have none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KINDS = {
    "ed25519": Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


def make_key(path: Path, kind: str = "ed25519", *, comment: str = "") -> Path:
    """A private key in OpenSSH's format that only its owner may read, and beside it `.pub`, the public one."""
    key = KINDS[kind]()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()
    path.with_name(f"{path.name}.pub").write_text(f"{public} {comment}".rstrip() + "\n")
    return path


def ssh_keygen(*arguments: str) -> None:
    """Run OpenSSH's own tool; a test that needs it skips where it is not installed."""
    try:
        subprocess.run(["ssh-keygen", "-q", *arguments], check=True)
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed: `apt-get install openssh-client`")
