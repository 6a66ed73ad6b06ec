"""Where the bytes of evidence lie: a folder, or any store that speaks S3."""
