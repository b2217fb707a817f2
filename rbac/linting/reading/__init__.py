"""What a lint is given: the document and what is worked out about it once. Read ``subject``."""
