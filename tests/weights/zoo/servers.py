"""A web server on this machine that is as good or as bad as a test wants it: the first part of a path says how."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTENT = bytes(range(256)) * 1200  # 300 kB
OTHER = CONTENT[::-1]
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGE = b"\n<!DOCTYPE html><title>Moved</title>"


class Server(ThreadingHTTPServer):
    """Serves `CONTENT` under any name.

    Attributes:
        asked: (path, Range header) of every request.
        files: path to content, for what is served under ``/files/``.
        released: set to let ``/stuck`` go on.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.files: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.released = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def at(self, kind: str) -> str:
        """Base address of the kind of server: good, no-range, breaks, ..."""
        return f"{self.base}/{kind}"

    def kinds_asked(self) -> list[str]:
        return [path.split("/")[1] for path, _ in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, wanted = self.path.split("?")[0], self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        kind = path.split("/")[1]
        if kind in ("404", "403", "500", "503"):
            return self.answer(int(kind), b"no", {})
        if kind == "redirect":
            return self.answer(302, b"", {"Location": path.replace("/redirect/", "/good/")})
        if kind == "to-file":
            return self.answer(302, b"", {"Location": "file:///etc/hosts"})
        if kind == "page":
            return self.answer(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
        if kind == "hidden-page":
            return self.answer(200, PAGE, {})
        if kind == "huge":
            return self.answer(200, b"x", {"Content-Length": str(10**12)})
        if kind == "files" or path in self.server.files:
            content, headers = self.server.files.get(path, (None, {}))
            return self.answer(404, b"", {}) if content is None else self.answer(200, content, headers)
        content = OTHER if kind == "liar" else CONTENT
        start = int(re.sub(r"\D", "", wanted)) if wanted and kind not in ("no-range", "no-length") else 0
        if wanted and start >= len(content):
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        headers = {"Content-Length": str(len(content) - start)}
        if start:
            said = 0 if kind == "wrong-part" else start
            headers["Content-Range"] = f"bytes {said}-{len(content) - 1}/{len(content)}"
        if kind == "no-length":
            headers = {"Content-Length": "", "Connection": "close"}
        body = content[start:]
        if kind == "breaks":  # each time after a third of the file
            body = body[: len(content) // 3]
        if kind == "empty-break":
            body = b""
        if kind == "stuck":
            body = body[:1000]
        self.answer(206 if start else 200, body, headers)
        if kind == "stuck":
            self.server.released.wait(5)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = True


@contextmanager
def running_server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
