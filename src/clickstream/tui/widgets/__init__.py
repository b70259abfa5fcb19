"""The widgets of the screens, one a file. A widget gets plain values and draws them; it asks no server."""
