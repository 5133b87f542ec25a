"""What SageMaker does, one line each: the tables that judge_behaviours.py runs."""

from behaviours import deployment, names, registry, runs, standing
from behaviours.table import Behaviour

BEHAVIOURS: list[Behaviour] = [
    *names.BEHAVIOURS,
    *standing.BEHAVIOURS,
    *deployment.BEHAVIOURS,
    *registry.BEHAVIOURS,
    *runs.BEHAVIOURS,
]
