"""How the tests are run, and the Python environment they need. Behind `test.py`."""
