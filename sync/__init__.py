"""Results on disk before the answer leaves, and their way to the central service."""
