"""What-if scenarios: changes to the workload, to the partners and to the plan, as a user writes them; nothing that runs them."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.simulation.plan import Plan
from exchange.simulation.workload import Workload
from schemas.directory import Directory


@dataclass(frozen=True, slots=True)
class Scenario:
    """Changes, in the order given. `texts` are as the user wrote them."""

    texts: tuple[str, ...] = ()

    def workload(self, workload: Workload) -> Workload:
        return workload

    def directory(self, directory: Directory) -> Directory:
        return directory

    def cut(self, plan: Plan) -> Plan:
        return plan
