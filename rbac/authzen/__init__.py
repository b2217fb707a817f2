"""AuthZEN Authorization API 1.0: asking a decision point elsewhere. Read ``client``."""
