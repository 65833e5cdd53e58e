"""An identity provider: gives unsecured tokens for one client's credentials, as Kafka can test them."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

CLIENT_ID, CLIENT_SECRET, SCOPE = "ticketing-agent", "a secret+of/the tests: %41", "kafka"
LIFE_SECONDS = 300


def token(subject: str) -> str:
    """A token without a signature (`alg: none`)."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": subject, "iat": now, "exp": now + LIFE_SECONDS})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b""]).decode()


class IdentityProvider:
    """Listens on a free port for the length of a `with`; `asked` counts the tokens given."""

    def __init__(self) -> None:
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                kind, _, login = self.headers.get("Authorization", "").partition(" ")
                words = base64.b64decode(login).decode() if kind == "Basic" else ""
                known = words == f"{CLIENT_ID}:{CLIENT_SECRET}"
                wanted = {"grant_type": "client_credentials", "scope": SCOPE}
                status, answer = 401, {"error": "invalid_client"}
                if known and form == wanted:
                    provider.asked += 1
                    status = 200
                    answer = {"access_token": token(CLIENT_ID), "token_type": "Bearer"}
                    answer["expires_in"] = LIFE_SECONDS  # type: ignore[assignment]
                elif known:
                    status, answer = 400, {"error": "invalid_request"}
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        self._thread = threading.Thread(target=self._server.serve_forever, name="tokens")

    def __enter__(self) -> IdentityProvider:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
