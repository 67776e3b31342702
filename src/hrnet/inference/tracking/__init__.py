"""People over the frames of a video: ids that stay with them, and smooth joints.

`PoseTracker` numbers the people of one result after the other, `PoseSmoother` calms the joints of numbered people, and
`track_stream` does both to a stream of frames. They take any `PoseResult`, top-down or bottom-up. NumPy and SciPy only.
"""

from hrnet.inference.tracking.smoothing import OneEuroFilter, PoseSmoother
from hrnet.inference.tracking.streams import track_stream
from hrnet.inference.tracking.tracker import PoseTracker

__all__ = ["OneEuroFilter", "PoseSmoother", "PoseTracker", "track_stream"]
