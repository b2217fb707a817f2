"""The service with one more endpoint, which crashes: ``uvicorn tests.support.crashing:app``."""

from app.main import create_app

app = create_app()


@app.get("/crash")
async def crash() -> None:
    """What nobody expected."""
    raise RuntimeError("the till is jammed")
