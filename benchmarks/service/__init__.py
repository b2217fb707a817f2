"""The service under load: one uvicorn worker, ``wrk`` with 32 connections, real signed tokens."""
