"""Machines at counters: the centre's own certificate authority, and who a certificate names."""
