"""The application's log: one line a record, nothing secret in it. Read ``setup``."""
