"""The command ``yibao-face``: one module per sub-command, in the rooms of who needs it."""
