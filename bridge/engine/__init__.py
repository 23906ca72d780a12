"""The offline engine: a Regen-compatible HTTP server on loopback, and two models that fill holes.

Importing this package or its `server` loads neither numpy nor a model. The first request does.
"""
