"""{{ cookiecutter.summary }}"""

from ranch.hooks import StrategyPlugin, hookimpl

from {{ cookiecutter.package }}.strategy import {{ cookiecutter.class_name }}

__all__ = ["{{ cookiecutter.class_name }}"]


@hookimpl
def ranch_strategies():
    """Name the strategy."""
    return [
        StrategyPlugin(
            name="{{ cookiecutter.strategy }}",
            factory={{ cookiecutter.class_name }},
            summary="{{ cookiecutter.summary }}",
        )
    ]
