"""The model: a matcher that allows by default, or reads what it should not. Read ``in_model``."""
