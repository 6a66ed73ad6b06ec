"""What the centre sends to a counter: signed documents, each kind applied whole or not at all."""
