"""What may be wrong with a counter PC, looked for and told with the next step."""
