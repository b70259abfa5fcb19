"""The tests. Each folder says by its name what it needs: nothing, real servers, or real processes."""
