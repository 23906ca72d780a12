"""The offline engine: a Regen-compatible HTTP server on loopback, and the two models that fill a hole.

Importing this package, or its `server`, loads neither numpy nor a model; the first request does.
"""
