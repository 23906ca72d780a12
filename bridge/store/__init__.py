"""What is kept on this computer: settings, the key, the journal, locks, the log, the last prompts."""
