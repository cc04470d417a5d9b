"""A Django project whose tasks have a lane for each tenant."""

from shop.celery import app

__all__ = ["app"]
