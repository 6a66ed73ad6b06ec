"""From raw planes to registered ones, whatever SDK they came from."""
