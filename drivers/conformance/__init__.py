"""What every camera driver must do, as checks that run on a test bed or on a real camera."""
