"""Breaking the embedded stack on purpose, and proving that nothing was lost by it."""
