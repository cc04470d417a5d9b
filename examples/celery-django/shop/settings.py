import os

URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

SECRET_KEY = "not in production"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
MIDDLEWARE = ["shop.lanes.tenant_lane"]
USE_TZ = True

CELERY_BROKER_URL = URL
CELERY_RESULT_BACKEND = URL
# All settings of ranch follow the namespace.
CELERY_RANCH_LANE_ROUTER = "shop.lanes:by_tenant"
