"""HTML in which nothing that came from outside can be more than text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | int | Iterable["Content"] | None


def element(tag: str, *content: Content, **attributes: str | int | bool | None) -> Markup:
    """An element. Strings in it are escaped unless they are `Markup`.

    A trailing underscore of an attribute's name is left out, other ones become hyphens. True is an attribute
    without a value; None and False leave it out.
    """
    opening = tag + "".join(_attribute(name, value) for name, value in attributes.items())
    return Markup(f"<{opening}>{fragment(*content)}</{tag}>")


def void(tag: str, **attributes: str | int | bool | None) -> Markup:
    """An element that has no content."""
    return Markup(f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>")


def fragment(*content: Content) -> Markup:
    """Contents one after another."""
    return Markup("".join(map(_rendered, content)))


def _rendered(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str | int):
        return escape(str(content))
    return fragment(*content)


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
