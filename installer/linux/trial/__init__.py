"""What a .deb is put through in Debians of its own, before it is given to anybody."""
