"""Pictures and reports of predictions."""
