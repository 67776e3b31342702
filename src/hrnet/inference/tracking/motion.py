"""How a person moves: a Kalman filter of constant velocity for place and size."""

from __future__ import annotations

import numpy as np

# In lengths of the person, so that they hold for any size in the picture and any frame rate.
_MEASURED = np.array([0.03, 0.03, 0.05])  # error of a measured place (lengths) and of the logarithm of the size
_FIRST_SPEED = np.array([1.5, 1.5, 0.5])  # of somebody seen for the first time, lengths (or e-fold) per second
_UNREST = np.array([0.8, 0.8, 0.3])  # how fast a speed changes, per second and square root of a second
_MEMORY = 1.5  # seconds after which a speed has faded to a third, since nobody who is out of sight walks on for ever


class Motion:
    """Place and size of one person and their rates, with what is uncertain of them.

    The three coordinates (x, y, logarithm of the size) do not depend on each other: three filters of two states side by side.

    Attributes:
        values: (3,) x and y in pixels, and the natural logarithm of the size relative to the first sighting.
        rates: (3,) per second.
    """

    def __init__(self, place: np.ndarray, length: float) -> None:
        self.values = np.array([place[0], place[1], 0.0])
        self.rates = np.zeros(3)
        unit = self._units(length)
        self._covariance = np.zeros((3, 2, 2))
        self._covariance[:, 0, 0] = (_MEASURED * unit) ** 2
        self._covariance[:, 1, 1] = (_FIRST_SPEED * unit) ** 2

    @property
    def place_variance(self) -> float:
        """Variance of x and y in square pixels."""
        return float(self._covariance[:2, 0, 0].mean())

    def predict(self, seconds: float, length: float) -> None:
        """Go on for ``seconds`` > 0; ``length`` of the person in pixels scales what may have changed meanwhile."""
        fade = float(np.exp(-seconds / _MEMORY))
        reach = _MEMORY * (1 - fade)
        self.values = self.values + reach * self.rates
        self.rates = fade * self.rates
        step = np.array([[1.0, reach], [0.0, fade]])
        noise = np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
        unrest = (_UNREST * self._units(length)) ** 2
        self._covariance = step @ self._covariance @ step.T + unrest[:, None, None] * noise

    def correct(self, innovation: np.ndarray, length: float) -> None:
        """Take a measurement in: ``innovation`` (3,) is what was measured less what was predicted."""
        column = self._covariance[:, :, 0]
        gain = column / (column[:, :1] + ((_MEASURED * self._units(length)) ** 2)[:, None])
        self.values = self.values + gain[:, 0] * innovation
        self.rates = self.rates + gain[:, 1] * innovation
        self._covariance = self._covariance - gain[:, :, None] * self._covariance[:, :1, :]

    @staticmethod
    def _units(length: float) -> np.ndarray:
        return np.array([length, length, 1.0])
