"""The central service: takes in what the counters recorded, and hands documents back to them."""
