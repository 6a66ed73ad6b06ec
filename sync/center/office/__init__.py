"""The office: what operators and regulators do at the centre, as a JSON API of its own."""
