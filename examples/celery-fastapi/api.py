"""An API whose callers have a lane for each of their keys: none can keep the others waiting."""

import os
from typing import Annotated

from celery import Celery
from celery.result import AsyncResult
from fastapi import FastAPI, Header, HTTPException

from ranch import QueueFull
from ranch.celery import Ranch

URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
celery = Celery("api", broker=URL, backend=URL)
ranch = Ranch(celery)
app = FastAPI()


@celery.task(bind=True, name="api.summarise")
def summarise(self, text):
    return {"words": len(text.split()), "lane": self.request.get("ranch-lane")}


@app.post("/summaries", status_code=202)
def start(text: str, x_api_key: Annotated[str, Header()]):
    try:
        return {"id": summarise.apply_async((text,), lane=x_api_key).id}
    except QueueFull as full:
        raise HTTPException(429, str(full)) from full


@app.get("/summaries/{task_id}")
def result(task_id: str):
    found = AsyncResult(task_id, app=celery)
    return {"state": found.state, "result": found.result if found.successful() else None}


@app.put("/keys/{key}/limit")
def limit(key: str, waiting: int):
    ranch.queue().lane(key).limit(max_pending=waiting)
