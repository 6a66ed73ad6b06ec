"""From an update file to a folder that may be switched to: nothing believed unverified."""
