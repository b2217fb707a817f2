"""For Prometheus; ``policy.csv`` says who else may look."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, Request, Response

from app.checkpoint import checkpoint_of
from app.metrics import CONTENT_TYPE
from rbac.decision_log.buffer import DecisionLogUnavailable

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus's text format"}},
)
async def metrics(request: Request) -> Response:
    """Everything up to this request, of all workers; while the log cannot be written, what was counted before."""
    checkpoint = checkpoint_of(request)
    with suppress(DecisionLogUnavailable):
        await checkpoint.log.settle()
    return Response(await asyncio.to_thread(checkpoint.service.metrics.exposition), media_type=CONTENT_TYPE)
