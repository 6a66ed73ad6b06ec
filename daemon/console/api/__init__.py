"""What the page asks the console: one module for each part of it, JSON in and out."""
