"""What a network is worth on the pictures of a site: error rates, thresholds and a report."""
