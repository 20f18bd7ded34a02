"""Descriptions in Markdown, as HTML that can do nothing but be read."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {
    *("p", "br", "hr", "em", "strong", "del", "s", "code", "pre", "blockquote", "a"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_HEADINGS = {"h1": "h3", "h2": "h4"}
_READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def markdown(text: str) -> Markup:
    """The HTML of a description. Images are left out: they would be loaded from elsewhere."""
    html = _READER.render(text)
    for large, small in _HEADINGS.items():  # the page has its own headings above
        html = html.replace(f"<{large}>", f"<{small}>").replace(f"</{large}>", f"</{small}>")
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(safe)  # noqa: S704 - nh3 let only the tags above through
