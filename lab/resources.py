"""Where the bundled fonts and icons are, in a checkout and in an installed wheel alike.

Knows names of files, not what they are drawn with; imports no Qt.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "assets"
FONT_FILES = (
    "Inter-Regular.woff2",
    "Inter-Medium.woff2",
    "Inter-SemiBold.woff2",
    "Inter-Bold.woff2",
    "jetbrains-mono-latin-400-normal.woff2",
    "jetbrains-mono-latin-500-normal.woff2",
)


def font_bytes(name: str) -> bytes:
    """The bytes of one of `FONT_FILES`.

    Raises:
        FileNotFoundError: the installation lacks its assets.
    """
    return (ASSETS / "fonts" / name).read_bytes()


def icon_svg(name: str) -> str:
    """The SVG text of a bundled icon, which draws in `currentColor`.

    Raises:
        FileNotFoundError: no such icon is bundled.
    """
    return (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8")


def icon_names() -> tuple[str, ...]:
    """Every bundled icon, sorted."""
    return tuple(sorted(path.stem for path in (ASSETS / "icons").glob("*.svg")))


def scenario_asset(name: str) -> str:
    """The text of a file that belongs to scenarios.

    Raises:
        FileNotFoundError: the installation lacks its assets.
    """
    return (ASSETS / "scenarios" / name).read_text(encoding="utf-8")


def scenario_files() -> tuple[Path, ...]:
    """The scenarios that are shipped, in order of their names."""
    return tuple(sorted((ASSETS / "scenarios").glob("*.toml")))
