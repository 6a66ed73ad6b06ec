"""Who vouches for what: documents signed by the centre, certificates signed by the daemon."""
