"""What ``hrnet doctor`` tells: the state of the installation and of the machine."""

from hrnet.diagnostics.examination import doctor
from hrnet.diagnostics.probes import Outcome, Probes
from hrnet.diagnostics.report import DoctorReport, Finding

__all__ = ["DoctorReport", "Finding", "Outcome", "Probes", "doctor"]
