"""A whole HTML document that needs no network: what it may load is said in its head."""

from collections.abc import Iterable

from irs_core.text import html as escape


def document(title: str, body: Iterable[str], *, style: str, policy: str, script: str = "") -> str:
    """The document.

    Args:
        title: Plain text.
        body: Pieces of HTML.
        policy: Its Content-Security-Policy.
        script: Code for its head; none where it is empty.
    """
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(title)}</title><style>{style}</style>",
            *([f"<script>{script}</script>"] if script else []),
            "</head><body>",
            *body,
            "</body></html>",
            "",
        ]
    )
