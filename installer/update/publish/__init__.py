"""At the vendor: keys, signed metadata and update files. Never part of a counter program."""
