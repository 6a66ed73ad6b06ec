"""Looking through records and alarms, page by page."""
