"""Every undocumented name of Celery that ranch touches, in one place; `touched` lists them."""
