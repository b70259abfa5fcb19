"""The drawing functions of the benchmark screen."""
