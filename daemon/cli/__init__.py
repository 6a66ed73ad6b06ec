"""The command ``yibao-face``: one module per sub-command."""
