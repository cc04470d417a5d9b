"""No-op jobs a second of ranch and its peers, each in an environment of its own: ``make bench-peers``."""
