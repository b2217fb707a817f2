"""Rules held against the endpoints that an application has. Read ``in_routes``."""
