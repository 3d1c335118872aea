"""A preview as one self-contained page: no file beside it, no network, readable without scripts."""

from __future__ import annotations

from infra.render.html.page import render_html

__all__ = ["render_html"]
