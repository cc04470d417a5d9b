from ranch.testing import StrategySuite

from {{ cookiecutter.package }} import {{ cookiecutter.class_name }}


class Test{{ cookiecutter.class_name }}(StrategySuite):
    strategy = {{ cookiecutter.class_name }}()
    # A lane that waits has been served after so many claims. Take it out if yours does not promise that.
    patience = 5

    # What a service counts, and how far two lanes may come apart. Take both out if yours states no bound.
    def charge(self, pick):
        return 1

    def bound(self, one, other):
        return 1
