"""Where the networks come from: pinned packages, checked, converted, kept in the data folder."""
