"""Associative embedding: many people in one pass, told apart by tags that are alike for the joints of one person.

A picture is placed into the network's input (`place_picture`), the network's maps for all scales and the mirrored picture
become one set (`aggregate`), `AssociativeEmbeddingDecoder` finds the people in it, and `Placement.to_picture` brings their
joints back to the picture.
"""

from hrnet.codecs.associative_embedding.aggregation import (
    NetworkMaps,
    ScaledPass,
    TaggedMaps,
    aggregate,
    combine_stages,
    separate_outputs,
    tagged_maps,
)
from hrnet.codecs.associative_embedding.decoder import AssociativeEmbeddingDecoder, DecodedPeople
from hrnet.codecs.associative_embedding.placement import Placement, place_picture, place_square
from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec

__all__ = [
    "AssociativeEmbeddingDecoder",
    "AssociativeEmbeddingSpec",
    "DecodedPeople",
    "NetworkMaps",
    "Placement",
    "ScaledPass",
    "TaggedMaps",
    "aggregate",
    "combine_stages",
    "place_picture",
    "place_square",
    "separate_outputs",
    "tagged_maps",
]
