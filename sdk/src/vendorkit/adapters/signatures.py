"""SSH signatures in OpenSSH's own format (SSHSIG), made and checked by `ssh-keygen -Y`.

Where `ssh-keygen` is absent, the libraries `cryptography` and `sshsig` make and check the same format for plain
keys. Certificates and hardware keys need `ssh-keygen`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import struct
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.errors import BadInput, Fault, Unavailable

if TYPE_CHECKING:
    from sshsig import PublicKey
    from sshsig.sshsig import SshsigSignature

NAMESPACE = "vendorkit"
HASHES = (b"sha256", b"sha512")
"""What the format allows; the library would take others."""

_SECONDS = 120
_ARMOURED = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/]{1,80}={0,2}\n){1,200}-----END SSH SIGNATURE-----\n?"
)
_KEY_BEGINNINGS = (b"-----BEGIN ", b"ssh-", b"ecdsa-", b"sk-")
_PUBLIC_KEY = re.compile(r"(?:ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}")
_UNLOCK = "Add it to the SSH agent first (`ssh-add KEY`) and give the public key file, or run this in a terminal."


@dataclass(frozen=True)
class Revoked:
    """A public key that does not count any more.

    Args:
        since: Signatures made at this time or later do not count.
        key: `KEYTYPE BASE64`.
    """

    since: datetime
    key: str


def parse_revoked(text: str, where: str) -> tuple[Revoked, ...]:
    """Read a list of revoked keys: `TIME KEYTYPE BASE64 [comment]` on each line, TIME by RFC 3339; `#` comments.

    Raises:
        BadInput: Lines that are not so; all are named.
    """
    found, faults = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        moment, _, rest = line.strip().partition(" ")
        key = " ".join(rest.split()[:2])
        try:
            since = datetime.fromisoformat(moment)
        except ValueError:
            since = None
        if since is None or not _PUBLIC_KEY.fullmatch(key):
            says = "expected `TIME KEYTYPE KEY`, for instance `2026-11-22T10:00:00Z ssh-ed25519 AAAA...`."
            faults.append(Fault(f"{where}:{number}", says))
            continue
        found.append(Revoked(since if since.tzinfo else since.replace(tzinfo=UTC), key))
    if faults:
        raise BadInput("The list of revoked keys cannot be read.", faults)
    return tuple(found)


def sign(payload: bytes, key: Path) -> str:
    """Sign bytes with an SSH key.

    Args:
        payload: What is signed.
        key: A private key file, or the public key file of a key that the SSH agent holds.

    Returns:
        The armoured signature.

    Raises:
        BadInput: No such key, not a usable one, or its passphrase cannot be asked for.
        Unavailable: `ssh-keygen` failed, for instance because the agent does not hold the key.
    """
    if not key.is_file():
        raise _no_key(key, "no such key file.", "Give --key FILE.")
    with key.open("rb") as file:
        if not file.read(64).lstrip().startswith(_KEY_BEGINNINGS):
            raise _no_key(key, "is not an SSH key.", "Give --key FILE, made for instance by `ssh-keygen -t ed25519`.")
    tool = shutil.which("ssh-keygen")
    return _sign_with_tool(tool, payload, key) if tool else _sign_with_library(payload, key)


def refusal(
    payload: bytes, signature: str, principal: str, signers: str, at: str, revoked: tuple[Revoked, ...]
) -> str | None:
    """Why a signature does not count; None when it does.

    Args:
        payload: What was signed.
        signature: The armoured signature, as hostile as it may be.
        principal: Whose it must be: a principal of the allowed signers, here an e-mail address.
        signers: Content of an `allowed_signers` file (`man ssh-keygen`, ALLOWED SIGNERS).
        at: When it was signed, RFC 3339 in UTC: the key must have been valid then.
        revoked: Keys that do not count since a time; it must be later than `at`.
    """
    if not _ARMOURED.fullmatch(signature):
        return "it is not an SSH signature"
    try:
        moment = datetime.fromisoformat(at).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return f"{at} is not a time"
    gone = tuple(entry.key for entry in revoked if entry.since <= moment)
    tool = shutil.which("ssh-keygen")
    if tool:
        why = _refusal_by_tool(tool, payload, signature, principal, signers, moment, ())
        if why or not gone:
            return why
        spoiled = _refusal_by_tool(tool, payload, signature, principal, signers, moment, gone)
        return "its key was revoked before it signed this" if spoiled else None
    return _refusal_by_library(payload, signature, principal, signers, moment, gone)


def signing_key(signature: str) -> bytes:
    """The public key that an armoured signature says has made it, as SSH writes it; empty where it says none.

    Whoever compares two of them must have seen both signatures count.
    """
    if not _ARMOURED.fullmatch(signature):
        return b""
    with suppress(ValueError, struct.error):
        data = base64.b64decode("".join(signature.splitlines()[1:-1]))
        (size,) = struct.unpack_from("!L", data, 10)  # after the mark `SSHSIG` and the version
        return data[14 : 14 + size]
    return b""


def _no_key(key: Path, says: str, fix: str = "") -> BadInput:
    return BadInput("Cannot sign.", [Fault(str(key), says, fix)])


def _sign_with_tool(tool: str, payload: bytes, key: Path) -> str:
    command = [tool, "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key)]
    try:
        done = subprocess.run(command, input=payload, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        fix = "Is it waiting for a passphrase or a touch?"
        raise Unavailable(f"ssh-keygen did not answer for {_SECONDS} s.", fix=fix) from error
    if done.returncode == 0:
        return done.stdout.decode("ascii")
    says = done.stderr.decode(errors="replace").strip()
    if "passphrase" in says:
        raise _no_key(key, "needs its passphrase, and it was not given.", _UNLOCK)
    if "invalid format" in says or "libcrypto" in says or "load public key" in says:
        raise _no_key(key, "is not a readable SSH key.")
    raise Unavailable("ssh-keygen could not sign.", [Fault(str(key), f"{says or 'no reason given'}.")])


def _refusal_by_tool(
    tool: str, payload: bytes, signature: str, principal: str, signers: str, moment: datetime, gone: tuple[str, ...]
) -> str | None:
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        signature_file = Path(folder) / "signature"
        signers_file = Path(folder) / "allowed_signers"
        signature_file.write_text(signature, encoding="utf-8")
        signers_file.write_text(signers, encoding="utf-8")
        command = [tool, "-Y", "verify", "-n", NAMESPACE, "-I", principal, "-f", str(signers_file)]
        command += ["-s", str(signature_file), f"-Overify-time={moment:%Y%m%d%H%M%SZ}"]
        if gone:
            revoked_file = Path(folder) / "revoked_keys"
            revoked_file.write_text("".join(f"{key}\n" for key in gone), encoding="utf-8")
            command += ["-r", str(revoked_file)]
        try:
            done = subprocess.run(command, input=payload, capture_output=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"ssh-keygen did not answer for {_SECONDS} s.") from error
    if done.returncode == 0:
        return None
    says = (done.stderr + done.stdout).decode(errors="replace").replace(f"{folder}/", "").strip().splitlines()
    first = says[0].removesuffix(".") if says else "no"
    plain = {
        "Could not verify signature": f"no key of {principal} that was valid then has made it",
        "Signature verification failed: incorrect signature": "something else was signed, not this",
    }
    return plain.get(first, f"ssh-keygen says: {first}")


def _sign_with_library(payload: bytes, key: Path) -> str:
    # Imported here, because only a machine without ssh-keygen needs them.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa  # noqa: PLC0415
    from sshsig.sshsig import SshsigSignature, SshsigWrapper  # noqa: PLC0415

    try:
        private = serialization.load_ssh_private_key(key.read_bytes(), password=None)
    except TypeError as error:
        raise _no_key(key, "needs its passphrase; only OpenSSH's ssh-keygen can ask for it.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(key, f"cannot be used: {error}.", "Install OpenSSH for other keys than plain ones.") from error
    digest = hashlib.sha512(payload).digest()
    to_sign = SshsigWrapper(namespace=NAMESPACE.encode(), hash_algo=b"sha512", hash=digest).to_bytes()
    if isinstance(private, ed25519.Ed25519PrivateKey):
        algorithm, raw = b"ssh-ed25519", private.sign(to_sign)
    elif isinstance(private, rsa.RSAPrivateKey):
        algorithm, raw = b"rsa-sha2-512", private.sign(to_sign, padding.PKCS1v15(), hashes.SHA512())
    else:
        raise _no_key(key, "expected an Ed25519 or RSA key.", "Install OpenSSH for other keys.")
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    line = private.public_key().public_bytes(*openssh).decode("ascii")
    outer = SshsigSignature.__new__(SshsigSignature)
    outer.public_key = base64.b64decode(line.split()[1])
    outer.namespace = NAMESPACE.encode()
    outer.hash_algo = b"sha512"
    outer.signature = _fields(algorithm, raw)
    return str(outer.to_armored())


def _refusal_by_library(
    payload: bytes, signature: str, principal: str, signers: str, moment: datetime, gone: tuple[str, ...]
) -> str | None:
    from sshsig import check_signature  # noqa: PLC0415
    from sshsig.sshsig import SshsigSignature  # noqa: PLC0415

    try:
        parts = SshsigSignature.from_armored(signature)
        key = check_signature(payload, signature, NAMESPACE)
        if parts.hash_algo not in HASHES or not _well_formed(signature, parts, key):
            return "the signature does not verify: it is not well formed"
    except Exception as error:  # noqa: BLE001  (whatever hostile bytes make the library raise, it is a no)
        return f"the signature does not verify: {error}" if str(error) else "something else was signed, not this"
    if " ".join(key.openssh_str().split()[:2]) in gone:
        return "its key was revoked before it signed this"
    for line in signers.split("\n"):
        # A line that is malformed, or has a kind of key that only ssh-keygen knows, allows nobody.
        with suppress(ValueError, NotImplementedError):
            if _line_allows(line.strip(), principal, key, moment):
                return None
    return f"no key of {principal} that was valid then has made it"


def _well_formed(signature: str, parts: SshsigSignature, key: PublicKey) -> bool:
    """Whether the signature is written as OpenSSH writes it. The library also reads fields that are cut short."""
    from sshsig.binary_io import SshReader  # noqa: PLC0415

    reader = SshReader(parts.signature)
    inner = _fields(reader.read_string(), reader.read_string())
    written = base64.b64decode(key.openssh_str().split()[1])
    armour = "".join(signature.splitlines()[1:-1])
    return (parts.signature, parts.public_key, base64.b64decode(armour)) == (inner, written, bytes(parts))


def _fields(*values: bytes) -> bytes:
    """Byte strings as SSH writes them: each with its length before it."""
    return b"".join(struct.pack("!L", len(value)) + value for value in values)


def _line_allows(line: str, principal: str, key: PublicKey, moment: datetime) -> bool:
    """Whether one line of allowed signers lets a principal sign with this key."""
    from sshsig import PublicKey  # noqa: PLC0415
    from sshsig.allowed_signers import AllowedSigner, lop_principals  # noqa: PLC0415

    if not line or line.startswith("#") or not _matches(principal, lop_principals(line)[0]):
        return False
    allowed = AllowedSigner.parse(line)
    options = allowed.options or {}
    after, before = (_when(options[name]) if name in options else None for name in ("valid-after", "valid-before"))
    return (
        bool(PublicKey.from_openssh_str(f"{allowed.key_type} {allowed.base64_key}") == key)
        and "cert-authority" not in options
        and ("namespaces" not in options or _matches(NAMESPACE, options["namespaces"]))
        and (after is None or after <= moment)
        and (before is None or moment <= before)
    )


def _matches(value: str, patterns: str) -> bool:
    """OpenSSH pattern list: commas between, `*` and `?`, a leading `!` forbids."""
    listed = patterns.split(",")
    if any(_glob(pattern[1:]).fullmatch(value) for pattern in listed if pattern.startswith("!")):
        return False
    return any(_glob(pattern).fullmatch(value) for pattern in listed if not pattern.startswith("!"))


def _glob(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)


def _when(text: str) -> datetime:
    """`YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`; without Z in local time, as OpenSSH reads it."""
    digits = text.removesuffix("Z").removesuffix("z")
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if form is None or not digits.isdecimal():
        raise ValueError(f"{text} is not a time")
    read = datetime.strptime(digits, form)
    return read.replace(tzinfo=UTC) if digits != text else read.astimezone(UTC)
