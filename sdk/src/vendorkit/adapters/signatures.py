"""SSH signatures in OpenSSH's own format (SSHSIG), made and checked by `ssh-keygen -Y`.

Where `ssh-keygen` is absent, the libraries `cryptography` and `sshsig` make and check the same format for plain
keys. Certificates and hardware keys need `ssh-keygen`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from vendorkit.errors import BadInput, Fault, Unavailable

NAMESPACE = "vendorkit"
_SECONDS = 120


def sign(payload: bytes, key: Path) -> str:
    """Sign bytes with an SSH key.

    Args:
        payload: What is signed.
        key: A private key file, or the public key file of a key that the SSH agent holds.

    Returns:
        The armoured signature.

    Raises:
        BadInput: No such key, or not a usable one.
        Unavailable: `ssh-keygen` failed, for instance because the agent does not hold the key.
    """
    if not key.is_file():
        raise BadInput("Cannot sign.", [Fault(str(key), "no such key file.")], fix="Give --key FILE.")
    tool = shutil.which("ssh-keygen")
    return _sign_with_tool(tool, payload, key) if tool else _sign_with_library(payload, key)


def refusal(payload: bytes, signature: str, principal: str, signers: str, at: str) -> str | None:
    """Why a signature does not count; None when it does.

    Args:
        payload: What was signed.
        signature: The armoured signature.
        principal: Whose it must be: a principal of the allowed signers, here an e-mail address.
        signers: Content of an `allowed_signers` file (`man ssh-keygen`, ALLOWED SIGNERS).
        at: When it was signed, RFC 3339 in UTC: the key must have been valid then.
    """
    moment = datetime.fromisoformat(at).astimezone(UTC)
    tool = shutil.which("ssh-keygen")
    check = _refusal_by_tool if tool else _refusal_by_library
    return check(payload, signature, principal, signers, moment)


def _sign_with_tool(tool: str, payload: bytes, key: Path) -> str:
    command = [tool, "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key)]
    try:
        done = subprocess.run(command, input=payload, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            "ssh-keygen did not answer.", fix="Is it waiting for a passphrase or a touch?"
        ) from error
    if done.returncode != 0:
        says = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(
            "ssh-keygen could not sign.", [Fault(str(key), says[-1] if says else "no reason given.")]
        )
    return done.stdout.decode("ascii")


def _refusal_by_tool(
    payload: bytes, signature: str, principal: str, signers: str, moment: datetime
) -> str | None:
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        signature_file = Path(folder) / "signature"
        signers_file = Path(folder) / "allowed_signers"
        signature_file.write_text(signature, encoding="utf-8")
        signers_file.write_text(signers, encoding="utf-8")
        command = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", principal]
        command += [
            "-f",
            str(signers_file),
            "-s",
            str(signature_file),
            f"-Overify-time={moment:%Y%m%d%H%M%SZ}",
        ]
        done = subprocess.run(command, input=payload, capture_output=True, timeout=_SECONDS, check=False)
    if done.returncode == 0:
        return None
    says = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
    return f"ssh-keygen says: {says[0]}" if says else "ssh-keygen does not accept it"


def _sign_with_library(payload: bytes, key: Path) -> str:
    # Imported here, because only a machine without ssh-keygen needs them.
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa  # noqa: PLC0415
    from sshsig.binary_io import SshWriter  # noqa: PLC0415
    from sshsig.ssh_public_key import PublicKey  # noqa: PLC0415
    from sshsig.sshsig import SshsigSignature, SshsigWrapper  # noqa: PLC0415

    try:
        private = serialization.load_ssh_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise BadInput(
            "Cannot sign.", [Fault(str(key), f"{error}.")], fix="Install OpenSSH for such keys."
        ) from error
    digest = hashlib.sha512(payload).digest()
    to_sign = SshsigWrapper(namespace=NAMESPACE.encode(), hash_algo=b"sha512", hash=digest).to_bytes()
    if isinstance(private, ed25519.Ed25519PrivateKey):
        algorithm, raw = b"ssh-ed25519", private.sign(to_sign)
    elif isinstance(private, rsa.RSAPrivateKey):
        algorithm, raw = b"rsa-sha2-512", private.sign(to_sign, padding.PKCS1v15(), hashes.SHA512())
    else:
        raise BadInput("Cannot sign.", [Fault(str(key), "expected an Ed25519 or RSA key.")])
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    line = private.public_key().public_bytes(*openssh).decode("ascii")
    outer = SshsigSignature.__new__(SshsigSignature)
    outer.public_key = base64.b64decode(line.split()[1])
    outer.namespace = NAMESPACE.encode()
    outer.hash_algo = b"sha512"
    writer = SshWriter(io.BytesIO())
    writer.write_string(algorithm)
    writer.write_string(raw)
    outer.signature = writer.output_fh.getvalue()
    PublicKey.from_openssh_str(line)  # a key that the library could not check must not be used to sign
    return str(outer.to_armored())


def _refusal_by_library(
    payload: bytes, signature: str, principal: str, signers: str, moment: datetime
) -> str | None:
    from sshsig import InvalidSignature, PublicKey, check_signature  # noqa: PLC0415
    from sshsig.allowed_signers import load_allowed_signers_file  # noqa: PLC0415

    try:
        key = check_signature(payload, signature, NAMESPACE)
        allowed = list(load_allowed_signers_file(io.StringIO(signers)))
    except (InvalidSignature, NotImplementedError, ValueError) as error:
        return f"the signature does not verify: {error}"
    for line in allowed:
        options = line.options or {}
        if "cert-authority" in options or not _matches(principal, line.principals):
            continue
        if "namespaces" in options and not _matches(NAMESPACE, options["namespaces"]):
            continue
        if not _valid_at(options, moment):
            continue
        try:
            if PublicKey.from_openssh_str(f"{line.key_type} {line.base64_key}") == key:
                return None
        except (NotImplementedError, ValueError):
            continue
    return f"no key of {principal} that was valid then has made it"


def _matches(value: str, patterns: str) -> bool:
    """OpenSSH pattern list: commas between, `*` and `?`, a leading `!` forbids."""
    listed = patterns.split(",")
    if any(fnmatchcase(value, pattern[1:]) for pattern in listed if pattern.startswith("!")):
        return False
    return any(fnmatchcase(value, pattern) for pattern in listed if not pattern.startswith("!"))


def _valid_at(options: dict[str, str], moment: datetime) -> bool:
    after, before = options.get("valid-after"), options.get("valid-before")
    return (after is None or _when(after) <= moment) and (before is None or moment < _when(before))


def _when(text: str) -> datetime:
    """`YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`; without Z in local time, as OpenSSH reads it."""
    digits = text.rstrip("Zz")
    read = datetime.strptime(digits, {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}[len(digits)])  # noqa: DTZ007
    return read.replace(tzinfo=UTC) if digits != text else read.astimezone(UTC)
