"""`clickstream demo`: the whole pipeline on servers of its own, shown once."""
