"""ID-card readers: what a card says, how readers are spoken to, one table of vendors."""
