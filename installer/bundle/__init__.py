"""The program with its Python, libraries and networks in one folder that needs no network."""
