"""What the workers of the fleet run."""


def report(customer):
    print("a report for", customer, flush=True)
