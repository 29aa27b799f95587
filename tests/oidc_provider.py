"""A provider to sign in with (OpenID Connect), as small as the standard allows, in a thread.

Whoever is sent there picks one of the people it knows. It checks what a provider must: client,
address to return to, code, and the proof that both halves come from one browser (PKCE).
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "dashboard", "a secret of sixteen bytes and more"


class Provider:
    """What the provider knows: its people, its key, the codes that it gave out."""

    def __init__(self, people: Sequence[str], *, verified: bool = True) -> None:
        self.people, self.verified = people, verified
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, auto_kid=False)
        self.codes: dict[str, Mapping[str, str]] = {}
        self.address = ""

    def secrets_file(self) -> str:
        """Streamlit's secrets for an app that signs in here."""
        return "\n".join(
            [
                "[auth]",
                'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"',
                f'cookie_secret = "{secrets.token_hex()}"',
                f'client_id = "{CLIENT}"',
                f'client_secret = "{SECRET}"',
                f'server_metadata_url = "{self.address}/.well-known/openid-configuration"',
            ]
        )

    def described(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def choices(self, asked: Mapping[str, str]) -> str:
        """The page on which somebody says who they are."""
        links = []
        for person in self.people:
            code = secrets.token_urlsafe()
            self.codes[code] = {**asked, "email": person}
            back = urlencode({"code": code, "state": asked["state"]})
            address = escape(f"{asked['redirect_uri']}?{back}")
            links.append(f'<p><a href="{address}">{escape(person)}</a></p>')
        return f"<title>Provider</title>{''.join(links)}"

    def token(self, asked: Mapping[str, str], basic: str) -> dict[str, Any] | None:
        """What a code is exchanged for; None where anything about it is wrong."""
        given = self.codes.pop(asked.get("code", ""), None)
        if given is None or not _is_client(asked, basic):
            return None
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if given["redirect_uri"] != asked.get("redirect_uri") or given["code_challenge"] != proof:
            return None
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": hashlib.sha256(given["email"].encode()).hexdigest(),
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
            "nonce": given["nonce"],
            "email": given["email"],
            "email_verified": self.verified,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {
            "access_token": "none",
            "token_type": "Bearer",
            "expires_in": 600,
            "id_token": signed,
        }


def _is_client(asked: Mapping[str, str], basic: str) -> bool:
    if basic.startswith("Basic "):
        name, _, word = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
        return (name, word.replace("+", " ").replace("%20", " ")) == (CLIENT, SECRET)
    return (asked.get("client_id"), asked.get("client_secret")) == (CLIENT, SECRET)


@contextmanager
def served(provider: Provider) -> Iterator[Provider]:
    """Run a provider on a free port while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.answer(provider.choices(_single(parts.query)), "text/html")
            elif parts.path == "/jwks":
                self.answer({"keys": [provider.key.as_dict(private=False)]})
            elif parts.path == "/.well-known/openid-configuration":
                self.answer(provider.described())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = provider.token(_single(body), self.headers.get("Authorization", ""))
            self.answer(found or {"error": "invalid_grant"}, status=200 if found else 400)

        def answer(
            self, content: object, kind: str = "application/json", status: int = 200
        ) -> None:
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
