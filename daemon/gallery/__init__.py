"""Encrypted templates of insured persons and their agents, and the key they lie under."""
