"""An API that does its work later, in the same process: a worker in the lifespan, a lane for each customer."""

import asyncio
import os
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Path, Query
from pydantic import BaseModel

from ranch import AsyncQueue, AsyncWorker, JobCancelled, JobExpired, JobFailed, ResultNotReady, ResultUnknown, Retry

queue = AsyncQueue("work", backend=os.environ.get("RANCH_URL", "sqlite:///work.db"))
worker = AsyncWorker(queue, concurrency=5, drain_timeout=20)


# A lane's name has as many characters at most.
Customer = Annotated[str, Path(max_length=256)]


class Order(BaseModel):
    number: int
    lines: list[str] = []


@asynccontextmanager
async def lifespan(app):
    async with worker:
        yield
    await queue.close()


app = FastAPI(lifespan=lifespan)


@queue.task(retry=Retry.exponential(max_attempts=3, timeout=3600), timeout=30, result_ttl=3600)
async def process(order):
    await asyncio.sleep(0.05)
    if not order["lines"]:
        raise ValueError(f"order {order['number']} has no lines")
    return {"number": order["number"], "lines": len(order["lines"])}


@app.post("/customers/{customer}/orders", status_code=202)
async def start(customer: Customer, order: Order):
    job = await process.aenqueue(customer, order.model_dump())
    return {"job": job.id, "status": "queued"}


@app.post("/customers/{customer}/orders/batch", status_code=202)
async def start_many(customer: Customer, orders: list[Order]):
    jobs = await process.aenqueue_each(customer, [order.model_dump() for order in orders])
    return {"jobs": [job.id for job in jobs], "status": "queued"}


@app.get("/jobs/{job_id}")
async def see(job_id: str, wait: Annotated[float, Query(ge=0, le=10)] = 0.0):
    try:
        return {"status": "done", "result": await queue.result(job_id, timeout=wait)}
    except ResultNotReady:
        where = await queue.explain(job_id)
        return {"status": where.state, "ahead": where.ahead}
    except JobFailed as exc:
        return {"status": "failed", "error": exc.error}
    except JobExpired:
        return {"status": "expired"}
    except JobCancelled:
        return {"status": "cancelled"}
    except ResultUnknown as exc:
        raise HTTPException(404, str(exc)) from exc


@app.get("/health")
def health():
    found = worker.health()
    if not found.ok:
        raise HTTPException(503, found.state)
    return {"running": found.running, "done": found.done, "failed": found.failed}
