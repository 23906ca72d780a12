"""Pictures as arrays: no files, no network."""
