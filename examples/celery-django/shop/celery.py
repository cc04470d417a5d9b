import os

from celery import Celery

from ranch.celery import Ranch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ["shop.tasks"]
Ranch(app)
