"""One use case a module, with a typed result. No printing, no exit codes: front ends do that."""
