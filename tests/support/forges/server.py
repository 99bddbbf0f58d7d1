"""The fake forge's server: takes a request, breaks down where told, and lets a language answer."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.support.forges import azure, git_http, gitea, github, gitlab
from tests.support.forges.state import No, Repo, State

LANGUAGES: dict[str, Any] = {"github": github, "gitlab": gitlab, "gitea": gitea, "azure": azure}
Handler = Callable[..., Any]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int
    answer: Any


@dataclass
class FakeForge:
    """A running fake.

    Args:
        kind: The language it speaks.
        state: What it remembers.
        web: Its address.
        exchanges: What was said so far.
        git: Folder whose bare repositories it serves as git; None serves none.
        token: What git has to sign in with.
        before_push: Is told the repository's name before git takes a push.
    """

    kind: str
    state: State
    web: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    git: Path | None = None
    token: str = ""
    before_push: Callable[[str], object] = lambda name: None

    def writes(self) -> list[str]:
        """Method and path of every write."""
        return [f"{one.method} {one.path}" for one in self.exchanges if one.method not in {"GET", "HEAD"}]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and JSON."""
        language = LANGUAGES[self.kind]
        try:
            for verb, pattern, handler in language.ROUTES:
                found = re.fullmatch(pattern, path)
                if found and verb in {method, "GET" if method == "HEAD" else method}:
                    groups = [unquote(group) for group in found.groups()]
                    return handler(self, *groups, query=query, body=body)  # type: ignore[no-any-return]
            return 404, language.error(404, f"no route for {method} {path}")
        except No as error:
            return error.status, language.error(error.status, error.says)


def next_page(fake: FakeForge, path: str, query: dict[str, str], answer: Any) -> dict[str, str]:
    """GitLab tells where the next page is, and its client goes by that."""
    size = int(query.get("per_page", 0))
    if fake.kind != "gitlab" or not isinstance(answer, list) or not size or len(answer) < size:
        return {}
    following = urlencode({**query, "page": str(int(query.get("page", 1)) + 1)})
    return {"link": f'<{fake.web}{path}?{following}>; rel="next"'}


@contextmanager
def serving(kind: str, *repos: Repo) -> Iterator[FakeForge]:
    """A fake forge that listens on loopback."""
    fake = FakeForge(kind, State(*repos))
    lock = threading.Lock()

    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def act(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            length = int(self.headers.get("content-length") or 0)
            read = self.rfile.read(length)
            if fake.git and (named := git_http.PATH.fullmatch(parts.path)):
                self.act_as_git(fake.git, named[1], parts.path, parts.query, read)
                return
            body = json.loads(read) if read else None
            with lock:
                how = fake.state.breakdown(self.command, parts.path)
                status, answer, headers = self._answer(how, parts.path, query, body)
                sent = {name.lower(): value for name, value in self.headers.items()}
                fake.exchanges.append(Exchange(self.command, parts.path, query, sent, body, status, answer))
            if how == "late after":
                self.rfile.read(1)  # until whoever asked gives up, and hangs up
                self.close_connection = True
                return
            if how.startswith("lost"):
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self._send(status, answer, headers)

        def act_as_git(self, root: Path, name: str, path: str, query: str, body: bytes) -> None:
            sent = {key.lower(): value for key, value in self.headers.items()}
            with lock:
                how = fake.state.breakdown(self.command, path)
            if how.startswith("lost"):
                self.close_connection = True
                self.connection.shutdown(2)
            elif how:
                self._send_bytes(int(how), b"broke down\n", {"content-type": "text/plain"})
            elif not git_http.signed_in(sent, fake.token):
                self._send_bytes(401, b"", {"www-authenticate": 'Basic realm="fake"'})
            else:
                if path.endswith("git-receive-pack"):
                    fake.before_push(name)
                status, headers, data = git_http.answer(root, self.command, path, query, sent, body)
                self._send_bytes(status, data, headers)

        def _answer(self, how: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any, dict[str, str]]:
            if how.isdigit():
                return int(how), {"message": f"broke down: {how}"}, {"retry-after": "30"} if how == "429" else {}
            if how == "limit":
                return 403, {"message": "You have exceeded a secondary rate limit."}, {"retry-after": "60"}
            if how == "lost before":
                return 0, None, {}
            if how == "page":
                return 200, b"<html><title>Sign in</title></html>", {}
            status, answer = fake.answer(self.command, path, query, body)
            return status, answer, next_page(fake, path, query, answer)

        def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
            data = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
            self._send_bytes(status, data, {"content-type": "application/json", **headers})

        def _send_bytes(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = act  # noqa: N815  (names of http.server)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    fake.web = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
