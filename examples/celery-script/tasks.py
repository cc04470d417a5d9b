"""Two customers, one worker: the small one does not wait for the big one."""

import os
import time

from celery import Celery

from ranch.celery import Ranch

URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
app = Celery("tasks", broker=URL, backend=URL)
Ranch(app)


@app.task
def render(customer, page):
    time.sleep(0.05)
    return f"{customer} {page}"


if __name__ == "__main__":
    sent = [render.apply_async(("big", page), lane="big") for page in range(20)]
    small = render.apply_async(("small", 1), lane="small")
    print(small.get(timeout=60), "is done, and of big's 20 pages", sum(result.ready() for result in sent))
    print(len([result.get(timeout=60) for result in sent]), "pages of big are done")
