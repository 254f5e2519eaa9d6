"""Secrets that are made once and kept in files only their owner may read."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path


def password(path: Path) -> str:
    """The password kept in `path`; made on the first call. URL-safe characters only."""
    return _kept(path, secrets.token_urlsafe(24))


def key(path: Path) -> str:
    """32 random bytes in base64, kept in `path`; made on the first call."""
    return _kept(path, base64.b64encode(secrets.token_bytes(32)).decode())


def write_private(path: Path, text: str) -> None:
    """Replace the file's content atomically; mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)


def _kept(path: Path, fresh: str) -> str:
    if not path.exists():
        write_private(path, fresh)
    return path.read_text().strip()
