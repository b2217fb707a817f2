"""What every answer has, whatever was decided: its line in the access log, CORS, the shape of its problems.

Read ``access_log``, ``problems``, then ``cors``; ``original_request`` and ``client_address`` read what a proxy says;
``inner_layers`` stands for what FastAPI puts before the router.
"""
