"""How often attacks pass and living people are refused: runs, rates, report."""
