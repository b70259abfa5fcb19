"""Our two themes; every theme of the framework can be chosen beside them."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="clickstream-dark",
    primary="#4f9dde",
    secondary="#8aa4bf",
    accent="#2bc4d8",
    foreground="#d7dde4",
    background="#0f1419",
    surface="#141a21",
    panel="#1b232c",
    success="#6cc070",
    warning="#e5b454",
    error="#f2635f",
    dark=True,
    variables={"border-blurred": "#2f3b47", "footer-key-foreground": "#2bc4d8"},
)

LIGHT = Theme(
    name="clickstream-light",
    primary="#1f6fb2",
    secondary="#51687f",
    accent="#007e95",
    foreground="#1d2630",
    background="#f6f8fa",
    surface="#ffffff",
    panel="#e9eef3",
    success="#2c7d33",
    warning="#8d6100",
    error="#c02a26",
    dark=False,
    variables={"border-blurred": "#c3ccd5"},
)
