"""Finding a secret in a text, however it was written: clear, escaped for JSON or HTML, in base64, in hex, quoted."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse

# No word of ours, and with characters that JSON, HTML, YAML, URLs and shells each write in another way.
SECRET = 'hunter2/"q\\<&é> =correct-horse'  # noqa: S105  of this test
ROOT_OF_IT = "hunter2"  # what is left of it in whatever escapes only its strange characters


def leaks(text: str, secret: str = SECRET) -> list[str]:
    """Every form of *secret* that stands in *text*."""
    return sorted(form for form, written in _forms(secret).items() if any(one in text for one in written))


def _forms(secret: str) -> dict[str, set[str]]:
    raw = secret.encode()
    return {
        "clear": {secret, ROOT_OF_IT if ROOT_OF_IT in secret else secret},
        "json": {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]},
        "json in json": {json.dumps(json.dumps(secret)[1:-1])[1:-1]},
        "html": {html.escape(secret), html.escape(secret, quote=False)},
        "url": {urllib.parse.quote(secret), urllib.parse.quote_plus(secret)},
        "python": {repr(secret)[1:-1]},
        "hex": {raw.hex(), raw.hex().upper()},
        "base64": _in_base64(raw, base64.b64encode) | _in_base64(raw, base64.urlsafe_b64encode),
    }


def _in_base64(raw: bytes, encode: object) -> set[str]:
    """What *raw* looks like in base64, wherever in a longer text it begins: the characters that are its own alone."""
    found = set()
    for before in range(3):
        text = encode(b"\0" * before + raw).decode()  # type: ignore[operator]
        whole = len(raw) + before
        start = -(-before * 8 // 6)  # the first character without a bit of what stands before
        end = whole * 8 // 6  # behind the last one without a bit of what follows
        found.add(text[start:end])
    return found
