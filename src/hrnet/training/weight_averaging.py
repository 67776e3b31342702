"""The moving average of the weights that is validated and saved."""

from __future__ import annotations

import lightning
from lightning.pytorch.callbacks import WeightAveraging
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage(WeightAveraging):
    """Exponential moving average of parameters and of BatchNorm's statistics, one fused update per optimiser step.

    Lightning's own EMA callback computes ``decay * a + (1 - decay) * b``, which lets even constant buffers (the picture's mean
    and deviation, the codec's ratio) drift by rounding; the interpolation used here leaves what is equal untouched. The
    average is put into the network when fitting ends, also where a resumed run has nothing left to do.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=get_ema_multi_avg_fn(decay))

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        pass

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._copy_average_to_current(pl_module)
