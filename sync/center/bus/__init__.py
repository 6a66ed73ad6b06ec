"""Between taking in and writing: nothing, or NATS JetStream."""
