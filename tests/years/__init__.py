"""Long histories, invented and consistent: for tests, benches and a look at the dashboard."""

from tests.years.filling import build, publish_daily

__all__ = ["build", "publish_daily"]
