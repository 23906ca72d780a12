"""What `faults.py` writes: the table of docs/faults.md."""
