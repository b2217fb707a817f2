"""A notice board: a lifespan of its own, a WebSocket, a stream, files, and an application that is mounted."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Response, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles
from rbac.guard import Guard, Principal, Unauthenticated, cookie

HERE = Path(__file__).parent
PEOPLE = {"ann": ("editor",), "ben": ("reader",)}
sessions: dict[str, str] = {}
notices: list[str] = []


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    notices.append("opened")
    yield
    notices.clear()


def identify(session: str) -> Principal:
    if session not in sessions:
        raise Unauthenticated("the session has ended")
    return Principal(sub=sessions[session], roles=PEOPLE[sessions[session]])


reports = FastAPI(title="Reports")
app = FastAPI(title="Notice board", lifespan=lifespan)
app.add_middleware(Guard(identify=identify, credentials=cookie("session")).middleware)
app.add_middleware(CORSMiddleware, allow_origins=["https://board.example"], allow_credentials=True)
app.mount("/reports", reports)
app.mount("/static", StaticFiles(directory=HERE / "static"))


@app.post("/session")
async def sign_in(name: str, response: Response) -> None:
    """Signs anybody in who says their name: a real one asks for more."""
    session = f"session-of-{name}"
    sessions[session] = name
    response.set_cookie("session", session, httponly=True, samesite="strict")


@app.get("/notices")
async def show() -> list[str]:
    return notices


@app.post("/notices")
async def add(text: str) -> None:
    notices.append(text)


@app.get("/notices/export")
async def export() -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for notice in notices:
            yield json.dumps(notice) + "\n"

    return StreamingResponse(lines(), media_type="application/jsonl")


@app.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json(notices)
    await socket.close()


@reports.get("/count")
async def count() -> int:
    return len(notices)
