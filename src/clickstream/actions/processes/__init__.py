"""This home's workers: starting, steering and stopping them, and being one."""
