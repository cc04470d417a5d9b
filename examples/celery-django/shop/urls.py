from celery.result import AsyncResult
from django.http import JsonResponse
from django.urls import path

from shop.tasks import export


def start(request, rows):
    return JsonResponse({"id": export.delay(rows).id})


def result(request, task_id):
    return JsonResponse(AsyncResult(task_id).get(timeout=30))


urlpatterns = [path("export/<int:rows>", start), path("result/<str:task_id>", result)]
