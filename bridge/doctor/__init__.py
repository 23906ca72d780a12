"""Checks whether the bridge can work on this computer."""
