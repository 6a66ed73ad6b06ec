"""Checks of the machine: processor, system, folders, desktop, what was installed."""
