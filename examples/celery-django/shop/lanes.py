"""Whose lane a task goes into."""

import ranch


def by_tenant(name, args, kwargs, options):
    """For all that is sent outside of a request, such as by a management command."""
    return (kwargs or {}).get("tenant")


def tenant_lane(get_response):
    """Let all that a request sends go into its tenant's lane."""

    def middleware(request):
        with ranch.lane(request.headers.get("X-Tenant", "anonymous")):
            return get_response(request)

    return middleware
