"""Large and small vessels, grown into the field as trees that compete for tissue to supply.

Space colonisation (Runions et al. 2005): tissue that no vessel supplies yet pulls the nearest vessel towards itself.
Widely spaced tissue first makes branches, closely spaced tissue then makes twigs, as in a real retina.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Float32, Int
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from unoqa.benchmark.phantom.eye import Eye, measure_eccentricity

MARGIN = 0.12
"""Vessels grow this far beyond the edges, so that none ends at an edge; a fraction of the side."""

STEP = 0.011
"""Distance between neighbouring points of a vessel, a fraction of the side."""

SPACINGS = (0.19, 0.095, 0.05, 0.028)
"""Distances between the places to supply, the widest first, fractions of the side."""

SUPERSAMPLING = 3
"""Vessels are drawn this many times larger and then averaged: smooth edges without a distance transform."""


@final
@dataclass(frozen=True)
class VesselTree:
    """Points of vessels, x and y as fractions of the side.

    Attributes:
        parents: position of the next point upstream; a root is its own parent.
        calibre: blood that a point carries beyond what its own branches need.
    """

    points: Float[np.ndarray, "points 2"]
    parents: Int[np.ndarray, " points"]
    calibre: Float[np.ndarray, " points"]


def draw_vessels(eye: Eye, rng: np.random.Generator, *, size: int) -> Float32[np.ndarray, "size size"]:
    """Draw the vessels of an eye, from 0 (none) to 1 (a large one)."""
    tree = _draw_trunks(eye, rng)
    for spacing in SPACINGS:
        tree = _grow_tree(tree, _scatter_tissue(eye, rng, spacing), rng, reach=0.62 * spacing)
    return _rasterise(tree, _compute_flow(tree), size)


def _draw_trunks(eye: Eye, rng: np.random.Generator) -> VesselTree:
    lines = [_draw_arcade(eye, offset, tilt, rng) for offset, tilt in eye.arcades]
    sizes = [float(np.exp(rng.uniform(3.2, 5.3))) for _ in lines]
    lines += [_draw_feeder(eye, rng) for _ in range(int(rng.integers(2, 6)))]
    sizes += [rng.uniform(4, 14) for _ in range(len(lines) - len(sizes))]
    starts = np.cumsum([0] + [len(line) for line in lines])
    parents = np.arange(starts[-1]) - 1
    parents[starts[:-1]] = starts[:-1]
    calibre = np.concatenate([np.linspace(1, 0.12, len(line)) * top for line, top in zip(lines, sizes, strict=True)])
    return VesselTree(np.concatenate(lines), parents, calibre)


def _draw_arcade(eye: Eye, offset: float, tilt: float, rng: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    """Draw a large vessel from the disc's side to the other side, bent around the fovea."""
    along = np.arange(-MARGIN, min(1 + MARGIN, rng.uniform(0.7, 1.5)), STEP)
    bend = rng.uniform(0.0, 0.75) * ((along - 0.4) / 0.75) ** 2
    wave = sum(rng.normal(0, 0.03) / n**1.2 * np.sin(n * 5 * along + rng.uniform(0, 6.28)) for n in range(1, 7))
    across = along if eye.disc < 0 else 1 - along
    return np.stack([across, eye.fovea[1] + offset * (1 - bend) + tilt * (along - 0.5) + wave], axis=1)


def _draw_feeder(eye: Eye, rng: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    """Draw a short vessel that enters from the disc's side, from above or from below."""
    if rng.random() < 0.45:
        entry = -MARGIN if eye.disc < 0 else 1 + MARGIN
        start, heading = np.array([entry, rng.normal(eye.fovea[1], 0.12)]), np.array([-eye.disc, 0.0])
    else:
        above = rng.random() < 0.5
        start = np.array([rng.uniform(0, 1), -MARGIN if above else 1 + MARGIN])
        heading = np.array([0.0, 1.0 if above else -1.0])
    return np.asarray(start + np.arange(0, MARGIN, STEP)[:, None] * heading)


def _scatter_tissue(eye: Eye, rng: np.random.Generator, spacing: float) -> Float[np.ndarray, "places 2"]:
    """Scatter places to supply evenly, outside the avascular zone."""
    side = np.arange(-MARGIN, 1 + MARGIN, spacing)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    places = grid + rng.uniform(-0.5, 0.5, grid.shape) * spacing
    eccentricity = measure_eccentricity(eye, places[:, 0], places[:, 1])
    return np.asarray(places[eccentricity > 1.1 + 5 * spacing])


def _grow_tree(
    tree: VesselTree, tissue: Float[np.ndarray, "places 2"], rng: np.random.Generator, *, reach: float
) -> VesselTree:
    """Add points until each place lies within `reach` of a vessel, in at most 45 rounds."""
    points, parents = tree.points, tree.parents
    distance, nearest = cKDTree(points).query(tissue)
    for _ in range(45):
        unsupplied = distance > reach
        tissue, distance, nearest = tissue[unsupplied], distance[unsupplied], nearest[unsupplied]
        if not len(tissue):
            break
        tips, origins = _grow_tips(points, parents, tissue, nearest, rng)
        tip_distance, nearest_tip = cKDTree(tips).query(tissue)
        nearest = np.where(tip_distance < distance, nearest_tip + len(points), nearest)
        distance = np.minimum(tip_distance, distance)
        points, parents = np.concatenate([points, tips]), np.concatenate([parents, origins])
    calibre = np.concatenate([tree.calibre, np.zeros(len(points) - len(tree.calibre))])
    return VesselTree(points, parents, calibre)


def _grow_tips(
    points: Float[np.ndarray, "points 2"],
    parents: Int[np.ndarray, " points"],
    tissue: Float[np.ndarray, "places 2"],
    nearest: Int[np.ndarray, " places"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "tips 2"], Int[np.ndarray, " tips"]]:
    """Add one tip a step ahead of each point that tissue pulls at; return the tips and the points they start from."""
    origins, owner = np.unique(nearest, return_inverse=True)
    pull = np.zeros((len(origins), 2))
    np.add.at(pull, owner, _normalise(tissue - points[nearest]))
    heading = _normalise(points[origins] - points[parents[origins]])
    direction = _normalise(_normalise(pull) + 0.8 * heading + rng.normal(0, 0.3, pull.shape))
    return points[origins] + STEP * direction, origins


def _normalise(vectors: Float[np.ndarray, "vectors 2"]) -> Float[np.ndarray, "vectors 2"]:
    """Scale vectors to length 1; a vector of length 0 stays as it is."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def _compute_flow(tree: VesselTree) -> Float[np.ndarray, " points"]:
    """Sum the demand downstream of every point; a child always stands after its parent."""
    demand = [0.0] * len(tree.points)
    for child in range(len(demand) - 1, -1, -1):
        parent = int(tree.parents[child])
        if parent != child:
            demand[parent] += max(demand[child], 1.0) if not tree.calibre[child] else 0.0
    return np.asarray(np.maximum(np.array(demand), 1.0) + tree.calibre)


def _rasterise(tree: VesselTree, flow: Float[np.ndarray, " points"], size: int) -> Float32[np.ndarray, "size size"]:
    large = size * SUPERSAMPLING
    picture = Image.new("L", (large, large))
    pen = ImageDraw.Draw(picture)
    # Murray's law has exponent 1/3; angiograms widen small vessels to the width of the beam, hence the lower limit.
    width = np.clip(0.95 * flow**0.38, 1.25, 7.0) * large / 320
    tone = np.clip(98 + 34 * np.log(flow), 0, 255).astype(int)
    ends, starts = tree.points * large, tree.points[tree.parents] * large
    for position in np.argsort(flow, kind="stable"):
        half = width[position] / 2
        (x, y), ink = ends[position], int(tone[position])
        pen.line([*starts[position], x, y], fill=ink, width=round(width[position]))
        pen.ellipse([x - half, y - half, x + half, y + half], fill=ink)
    return np.asarray(picture.reduce(SUPERSAMPLING), dtype=np.float32) / np.float32(255)
