"""One package per server; each is the only place that names its driver, and none knows another."""
