"""The page itself: markup, script, style and texts (``page/``), and what it uses of others."""
