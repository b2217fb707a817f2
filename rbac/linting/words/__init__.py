"""The words of a request: methods that nothing asks with, paths that no request has. Read ``words``."""
