"""What goes on its own pace: results, evidence, letters of the centre, and waiting."""
