//! Drives the built `llmtop` and real clients.
