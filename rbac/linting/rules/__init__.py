"""What a rule does beside the others: repeated, contradicted, covered, wider than meant, or idle. Read ``in_rules``."""
