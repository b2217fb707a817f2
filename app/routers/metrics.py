"""For Prometheus; ``policy.csv`` says who else may look."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, Request, Response

from app.checkpoint import Checkpoint
from app.decision_log import DecisionLogUnavailable
from app.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus's text format"}},
)
async def metrics(request: Request) -> Response:
    """Everything up to this request, of all workers; while the log cannot be written, what was counted before."""
    checkpoint: Checkpoint = request.app.state.checkpoint
    with suppress(DecisionLogUnavailable):
        await checkpoint.log.settle()
    return Response(await asyncio.to_thread(checkpoint.metrics.exposition), media_type=CONTENT_TYPE)
