"""The AuthZEN Authorization API 1.0, apart from HTTP: reading questions, evaluating them, searching, paging."""
