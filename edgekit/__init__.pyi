# The public API. lazy_loader reads this file as well: a name is imported from its module when it is first used.
from .artifact import Artifact, Manifest, read_artifact
from .benchmark.report import BenchReport
from .benchmark.run import bench
from .bundles.building import BuiltBundle
from .color.controls import Controls
from .color.jobs import Sheets
from .color.layers import Layer, Look
from .color.lut import Lut3D
from .color.stylist import StyledPhotos
from .devices.device import BenchPlan
from .errors import EdgekitError
from .images import InputSize
from .merging import merge
from .parity.check import parity_check
from .parity.gates import Gates
from .parity.report import ParityReport
from .pipeline import Bounds, Plan, bundle, convert, plan
from .recipes import Recipe
from .scores.evaluation_shards import Evaluated
from .scores.external import MaskFolder, ModelFile
from .scores.folder import evaluate
from .segmenter import Segmenter
from .segmenting import SegmentedPhotos, segment
from .shader.compose import describe
from .shader.description import ShaderDescription, write_description
from .styling import style
from .weights import Checkpoint, load_checkpoint

__version__: str
__all__ = [
    "Artifact",
    "BenchPlan",
    "BenchReport",
    "Bounds",
    "BuiltBundle",
    "Checkpoint",
    "Controls",
    "EdgekitError",
    "Evaluated",
    "Gates",
    "InputSize",
    "Layer",
    "Look",
    "Lut3D",
    "Manifest",
    "MaskFolder",
    "ModelFile",
    "ParityReport",
    "Plan",
    "Recipe",
    "SegmentedPhotos",
    "Segmenter",
    "ShaderDescription",
    "Sheets",
    "StyledPhotos",
    "bench",
    "bundle",
    "convert",
    "describe",
    "evaluate",
    "load_checkpoint",
    "merge",
    "parity_check",
    "plan",
    "read_artifact",
    "segment",
    "style",
    "write_description",
]
