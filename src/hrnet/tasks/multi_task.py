"""Several tasks on one body: each batch is one task's, and trains the body and that task's head."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet
from hrnet.errors import nearest_name
from hrnet.models.multi_task import MultiTaskModel
from hrnet.models.part_network import BodyFeatures, body_spec, body_upsampling, same_body
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize
from hrnet.tasks.freezing import freeze_parts, keep_in_evaluation
from hrnet.tasks.task import Batch, Task, Validated
from hrnet.weights.parts import MULTI_TASK_KEY, MultiTaskEntry

PART = "part"
"""Key of a batch that says, for each of its samples, which part's it is: all of one."""

UPSAMPLINGS: dict[str, Upsampling] = {
    "nearest": Upsampling("nearest"),
    "bilinear": Upsampling("bilinear"),
    "bilinear_aligned": Upsampling("bilinear", align_corners=True),
}
"""How a body may resize its branches: as V1 networks do, as V2 networks do, and as those with ``align_corners``."""


class MultiTask(Task):
    """Tasks that share the body of one network.

    The networks of the tasks given lose their bodies: their heads get what the shared one computes.

    Args:
        body: as `build_shared_body` makes it.
        architecture: its name.
        parts: the tasks by name; each one's network is an HRNet with a head.
        weights: of the parts' losses, 1 where none is given.
        freeze: parts of the body that training leaves as they are, of `hrnet.models.backbone.FREEZABLE_PARTS`.

    Raises:
        ValueError: see `hrnet.models.multi_task.MultiTaskModel`.
    """

    def __init__(
        self,
        body: HRNet,
        architecture: str,
        parts: Mapping[str, Task],
        weights: Mapping[str, float] | None = None,
        freeze: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.network = MultiTaskModel(body, {name: hrnet_of(name, task) for name, task in parts.items()})
        self.architecture = architecture
        self.weights = {name: (weights or {}).get(name, 1.0) for name in parts}
        self.numbers = {name: number for number, name in enumerate(parts)}
        self.parts = nn.ModuleDict(parts)
        for name, task in parts.items():
            head: HRNet = self.network.heads[name]  # pyright: ignore[reportAssignmentType]
            head.features = BodyFeatures(self.network.backbone, head.spec.branches)  # pyright: ignore[reportAttributeAccessIssue]
            # The layers are those of `network` and must not be counted, or saved, a second time as the part's.
            del task.network
            object.__setattr__(task, "network", head)
        self.frozen = freeze_parts(self.network.backbone, freeze)
        self.train(self.training)

    def train(self, mode: bool = True) -> MultiTask:
        """Switch between training and evaluation; what is frozen stays in evaluation."""
        super().train(mode)
        keep_in_evaluation(self.frozen)
        return self

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of the part that the batch belongs to, as ``PART/NAME``; ``total`` is weighted, ``PART/loss`` is not."""
        name, own = _unpacked(batch)
        return self._named(name, self._part(name).losses(own))

    def validate(self, batch: Batch) -> Validated:
        """Losses as of `losses`; findings by the index that `global_index` gives."""
        name, own = _unpacked(batch)
        losses, found = self._part(name).validate(own)
        count, number = len(self.parts), self.numbers[name]
        return Validated(
            self._named(name, losses), {global_index(index, number, count): entry for index, entry in found.items()}
        )

    def texts(self) -> dict[str, str]:
        """What each part would say beside weights of its own, and which body they share."""
        backbone = self.network.backbone
        assert isinstance(backbone, HRNet)
        texts = {name: self._part(name).texts() for name in self.parts}
        entry = MultiTaskEntry(self.architecture, backbone.spec.branches, body_upsampling(backbone), texts)
        return {MULTI_TASK_KEY: entry.to_json()}

    def _part(self, name: str) -> Task:
        return self.parts[name]  # pyright: ignore[reportReturnType]

    def _named(self, part: str, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own = {f"{part}/{'loss' if name == 'total' else name}": value for name, value in losses.items()}
        return {**own, "total": self.weights[part] * losses["total"]}


def global_index(index: int, number: int, count: int) -> int:
    """One number for sample ``index`` of part ``number`` of ``count``: sorted, the parts take turns. See `local_index`."""
    return index * count + number


def local_index(global_index: int, count: int) -> tuple[int, int]:
    """(number of the part, index in it) of what `global_index` gave."""
    index, number = divmod(global_index, count)
    return number, index


def build_shared_body(
    architecture: str, parts: Mapping[str, Task], upsampling: str | None = None, batch_norm_momentum: float = 0.1
) -> HRNet:
    """A body with fresh weights that computes all branches that a head of the parts takes.

    Args:
        architecture: ``hrnet_TAG``; all parts' networks have the body of that name.
        upsampling: one of `UPSAMPLINGS`; may be None where the parts' networks all resize in the same way.

    Raises:
        ValueError: a part's network has another body, or none, or they resize in different ways and nothing was said.
    """
    if upsampling is not None and upsampling not in UPSAMPLINGS:
        raise ValueError(f"model.upsampling: there is no {upsampling!r}; {nearest_name(upsampling, UPSAMPLINGS)}")
    networks = {name: hrnet_of(name, task) for name, task in parts.items()}
    branches = sorted({branch for network in networks.values() for branch in network.spec.branches})
    wanted = {name: body_upsampling(network) for name, network in networks.items()}
    if upsampling is None and len(set(wanted.values())) > 1:
        said = ", ".join(f"{name} {_named_upsampling(one)}" for name, one in wanted.items())
        raise ValueError(
            f"the parts' networks resize branches in different ways ({said}), one body cannot: say model.upsampling, "
            "which is bilinear in V2 networks; heads that are trained on it get used to it"
        )
    chosen = next(iter(wanted.values())) if upsampling is None else UPSAMPLINGS[upsampling]
    spec = body_spec(architecture, branches, chosen)
    for name, network in networks.items():
        if not same_body(network.spec, spec):
            raise ValueError(f"parts.{name}: {type(network).__name__} has not the body {architecture}: {network.spec}")
    body = HRNet(spec)
    initialize(body, outputs=(), batch_norm_momentum=batch_norm_momentum)
    return body


def hrnet_of(name: str, task: Task) -> HRNet:
    """The network of the part ``name``. Raises ValueError where it has no HRNet body."""
    if not isinstance(task.network, HRNet):
        raise ValueError(f"parts.{name}: {type(task.network).__name__} has no HRNet body to share")
    return task.network


def _named_upsampling(upsampling: Upsampling) -> str:
    return next(name for name, one in UPSAMPLINGS.items() if one == upsampling)


def _unpacked(batch: Batch) -> tuple[str, Batch]:
    """The name of the part that a batch belongs to, and the batch as that part knows it."""
    return batch[PART][0], {key: value for key, value in batch.items() if key != PART}
