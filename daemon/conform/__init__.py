"""The conformance kit: golden cases a HIS vendor runs against the daemon or the library."""
