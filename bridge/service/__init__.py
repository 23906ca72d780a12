"""The plug-in's other end: messages in, messages out."""
