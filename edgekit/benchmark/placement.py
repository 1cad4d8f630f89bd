"""Prediction of the processors that would run an artifact's operators on a phone.

CPU: partitions of the real runtime, whose XNNPACK delegate divides the graph when it is loaded here (with the same
LiteRT version and operator list as on arm64). GPU: `gpu_placement`. NPU: the integer types in the phone's profile.
This is not a measurement; `edgekit bench` on the phone is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgekit.benchmark.gpu_placement import (
    PlacementFinding,
    activations,
    asked,
    delegate_findings,
    kinds_of,
    reported_faults,
)
from edgekit.console import print_table
from edgekit.devices.macos import missing
from edgekit.devices.probe import probe
from edgekit.devices.profiles import Profile
from edgekit.errors import ConversionError, printable
from edgekit.files import JsonValue
from edgekit.runtimes.litert import parsed, read_tflite
from edgekit.targets import target_of

# Each partition boundary costs a copy and a synchronisation; edgekit's own artifacts have no more than this.
MOST_PARTITIONS = 2


@dataclass(frozen=True)
class Placement:
    """The prediction for one artifact on one phone. `status`: PLANNED, or NOT_RUN with the reason."""

    artifact: Path
    phone: str
    status: str
    reason: str
    cpu_partitions: int | None
    cpu_outside: tuple[str, ...]
    findings: tuple[PlacementFinding, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(f"{f.processor}: {f.text}" for f in self.findings if f.severity == "WARNING")


def place(artifact: Path, phone: Profile, *, asks: bool = False) -> Placement:
    """Predict the placement of an artifact on a phone. Raises ConversionError for a damaged file.

    `asks`: load the artifact in LiteRT's GPU backend too, which takes seconds.
    A .tflite is loaded and run in a process of its own, so that a file that crashes it is an ordinary error here.
    """
    target = target_of(artifact)
    if target.name != phone.runtime:
        reason = f"{phone.name} takes {phone.runtime} artifacts"
        return Placement(artifact, phone.name, "NOT_RUN", reason, None, (), ())
    if target.apple:
        return _core_ml(artifact, phone)
    model = parsed(read_tflite(artifact), artifact)
    found = probe(artifact)
    left = found.undelegated_ops
    try:
        findings = (
            *_cpu(found.partitions, left),
            *delegate_findings(model),
            *reported_faults(model),
            *(asked(artifact) if asks else ()),
            *_npu(model, phone),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ConversionError("tflite", "placement", f"{artifact} contradicts itself ({error!r}).") from error
    return Placement(artifact, phone.name, "PLANNED", "", found.partitions, left, findings)


def _partitions_text(partitions: int) -> str:
    return f"{partitions} XNNPACK partition" + ("s" if partitions != 1 else "")


def _cpu(partitions: int, outside: Sequence[str]) -> list[PlacementFinding]:
    if partitions <= MOST_PARTITIONS:
        return []
    counts = ", ".join(f"{n} {name}" for name, n in Counter(outside).most_common(5))
    return [
        PlacementFinding(
            "CPU", "WARNING", f"{_partitions_text(partitions)}; outside run {counts or 'no operators'}"
        )
    ]


def _npu(model: Any, phone: Profile) -> list[PlacementFinding]:
    kinds = kinds_of(activations(model))
    found = []
    for kind, figure in (("INT8", phone.npu_int8), ("INT16", phone.npu_int16)):
        if kinds[kind] and figure.value is False:
            found.append(
                PlacementFinding("NPU", "WARNING", f"{phone.npu.value} gains nothing from {kind.lower()}")
            )
        elif kinds[kind] and figure.value is None:
            found.append(
                PlacementFinding(
                    "NPU", "NOTE", f"no source says whether {phone.name}'s NPU runs {kind.lower()}"
                )
            )
    if not kinds["INT8"] and not kinds["INT16"] and phone.npu_int8.value:
        found.append(
            PlacementFinding("NPU", "NOTE", "float activations; integer ones would use the NPU better")
        )
    return found


def _core_ml(artifact: Path, phone: Profile) -> Placement:
    """Count operators per preferred device in Core ML's compute plan, which exists on a Mac only."""
    if missing():
        return Placement(artifact, phone.name, "NOT_RUN", "Core ML's compute plan needs a Mac", None, (), ())
    import coremltools
    from coremltools.models.compute_plan import MLComputePlan

    model = coremltools.models.MLModel(str(artifact))
    plan = MLComputePlan.load_from_path(model.get_compiled_model_path())
    counts: Counter[str] = Counter()
    for function in plan.model_structure.program.functions.values():
        for operation in function.block.operations:
            usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
            if usage is not None:
                counts[type(usage.preferred_compute_device).__name__] += 1
    text = ", ".join(f"{count} operators on {device}" for device, count in counts.most_common())
    reason = "Core ML's plan for this Mac, not for the phone"
    return Placement(
        artifact, phone.name, "PLANNED", reason, None, (), (PlacementFinding("Core ML", "NOTE", text),)
    )


def placement_json(placement: Placement) -> dict[str, JsonValue]:
    values = asdict(placement)
    return {**values, "artifact": str(placement.artifact)}


def print_placements(placements: Sequence[Placement]) -> None:
    """Print a table of the placements, all on one phone."""
    from rich.table import Column, Table

    table = Table(
        Column("artifact", overflow="fold"),
        "processor",
        "",
        "what would happen",
        title=f"on {placements[0].phone}",
    )
    for p in placements:
        name = printable(p.artifact.name)
        if p.status == "NOT_RUN":
            table.add_row(name, "", "NOT_RUN", p.reason)
            continue
        if p.cpu_partitions is not None:
            outside = f"; {len(p.cpu_outside)} operators outside" if p.cpu_outside else ""
            table.add_row(name, "CPU", "", f"{_partitions_text(p.cpu_partitions)}{outside}")
        for finding in p.findings:
            table.add_row(name, finding.processor, finding.severity, printable(finding.text, 500))
    print_table(table)
