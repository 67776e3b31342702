"""The plain data that travels through the toolkit: keypoint and class sets, records, masks and results, and how they are drawn.

NumPy, OpenCV and Pillow only: nothing here imports torch. Coordinates follow the geometry contract (`hrnet.geometry`):
pixels of the picture as it was given, the centre of the top-left pixel at (0, 0), boxes xyxy.
"""

from hrnet.structures.keypoint_set import KeypointSet
from hrnet.structures.pose_dataset import PersonRecord, PoseDataset
from hrnet.structures.pose_result import PoseResult

__all__ = ["KeypointSet", "PersonRecord", "PoseDataset", "PoseResult"]
