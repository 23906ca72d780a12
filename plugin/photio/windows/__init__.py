"""The windows, and what they share."""
