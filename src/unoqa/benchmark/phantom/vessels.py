"""Large and small vessels, grown into the field as trees that compete for tissue to supply.

Space colonisation (Runions et al., 2005): tissue that no vessel supplies yet pulls the nearest vessel's
tip towards itself. Coarse tissue first makes branches, fine tissue then makes twigs, as in a real retina.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from unoqa.benchmark.phantom.eye import Eye, eccentricity

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 0.12
"""Vessels grow this far beyond the edges, so that none ends at one."""

STEP = 0.011
SPACINGS = (0.19, 0.095, 0.05, 0.028)
FINER_EDGE = 3
"""Vessels are drawn this many times larger and averaged: smooth edges without a distance transform."""


@final
@dataclass(frozen=True)
class Tree:
    """Points of vessels; each knows the point upstream, a root itself.

    Attributes:
        calibre: blood that a point carries beyond what its own branches need.
    """

    points: NDArray[np.float64]
    parents: NDArray[np.int64]
    calibre: NDArray[np.float64]


def vessels(eye: Eye, rng: np.random.Generator, *, size: int) -> NDArray[np.float32]:
    """Draw the vessels of an eye, from 0 (none) to 1 (a large one)."""
    tree = _trunks(eye, rng)
    for spacing in SPACINGS:
        tree = _grown(tree, _tissue(eye, rng, spacing), rng, reach=0.62 * spacing)
    return _drawn(tree, _flow(tree), size)


def _trunks(eye: Eye, rng: np.random.Generator) -> Tree:
    lines = [_arcade(eye, offset, tilt, rng) for offset, tilt in eye.arcades]
    sizes = [float(np.exp(rng.uniform(3.2, 5.3))) for _ in lines]
    lines += [_feeder(eye, rng) for _ in range(int(rng.integers(2, 6)))]
    sizes += [rng.uniform(4, 14) for _ in range(len(lines) - len(sizes))]
    starts = np.cumsum([0] + [len(line) for line in lines])
    parents = np.arange(starts[-1]) - 1
    parents[starts[:-1]] = starts[:-1]
    calibre = np.concatenate([np.linspace(1, 0.12, len(line)) * top for line, top in zip(lines, sizes, strict=True)])
    return Tree(np.concatenate(lines), parents, calibre)


def _arcade(eye: Eye, offset: float, tilt: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Run from the disc's side to the other one, bent around the fovea."""
    along = np.arange(-MARGIN, min(1 + MARGIN, rng.uniform(0.7, 1.5)), STEP)
    bend = rng.uniform(0.0, 0.75) * ((along - 0.4) / 0.75) ** 2
    wave = sum(rng.normal(0, 0.03) / n**1.2 * np.sin(n * 5 * along + rng.uniform(0, 6.28)) for n in range(1, 7))
    across = along if eye.disc < 0 else 1 - along
    return np.stack([across, eye.fovea[1] + offset * (1 - bend) + tilt * (along - 0.5) + wave], axis=1)


def _feeder(eye: Eye, rng: np.random.Generator) -> NDArray[np.float64]:
    """Enter a little way from an edge: the disc's side mostly, else from above or below."""
    if rng.random() < 0.45:
        entry = -MARGIN if eye.disc < 0 else 1 + MARGIN
        start, heading = np.array([entry, rng.normal(eye.fovea[1], 0.12)]), np.array([-eye.disc, 0.0])
    else:
        above = rng.random() < 0.5
        start = np.array([rng.uniform(0, 1), -MARGIN if above else 1 + MARGIN])
        heading = np.array([0.0, 1.0 if above else -1.0])
    return np.asarray(start + np.arange(0, MARGIN, STEP)[:, None] * heading)


def _tissue(eye: Eye, rng: np.random.Generator, spacing: float) -> NDArray[np.float64]:
    """Scatter places to supply evenly, outside the avascular zone."""
    side = np.arange(-MARGIN, 1 + MARGIN, spacing)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    places = grid + rng.uniform(-0.5, 0.5, grid.shape) * spacing
    away = eccentricity(eye, places[:, 0], places[:, 1])
    return np.asarray(places[away > 1.1 + 5 * spacing])


def _grown(tree: Tree, tissue: NDArray[np.float64], rng: np.random.Generator, *, reach: float) -> Tree:
    points, parents = tree.points, tree.parents
    distance, nearest = cKDTree(points).query(tissue)
    for _ in range(45):
        hungry = distance > reach
        tissue, distance, nearest = tissue[hungry], distance[hungry], nearest[hungry]
        if not len(tissue):
            break
        tips, origins = _tips(points, parents, tissue, nearest, rng)
        fresh, which = cKDTree(tips).query(tissue)
        nearest = np.where(fresh < distance, which + len(points), nearest)
        distance = np.minimum(fresh, distance)
        points, parents = np.concatenate([points, tips]), np.concatenate([parents, origins])
    calibre = np.concatenate([tree.calibre, np.zeros(len(points) - len(tree.calibre))])
    return Tree(points, parents, calibre)


def _tips(
    points: NDArray[np.float64],
    parents: NDArray[np.int64],
    tissue: NDArray[np.float64],
    nearest: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Put one step ahead of every pulled point, and say from which it starts."""
    origins, owner = np.unique(nearest, return_inverse=True)
    pull = np.zeros((len(origins), 2))
    np.add.at(pull, owner, _unit(tissue - points[nearest]))
    heading = _unit(points[origins] - points[parents[origins]])
    direction = _unit(_unit(pull) + 0.8 * heading + rng.normal(0, 0.3, pull.shape))
    return points[origins] + STEP * direction, origins


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def _flow(tree: Tree) -> NDArray[np.float64]:
    """Sum what lies downstream of every point; a child always stands behind its parent."""
    demand = [0.0] * len(tree.points)
    for child in range(len(demand) - 1, -1, -1):
        parent = int(tree.parents[child])
        if parent != child:
            demand[parent] += max(demand[child], 1.0) if not tree.calibre[child] else 0.0
    return np.asarray(np.maximum(np.array(demand), 1.0) + tree.calibre)


def _drawn(tree: Tree, flow: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    large = size * FINER_EDGE
    picture = Image.new("L", (large, large))
    pen = ImageDraw.Draw(picture)
    # Murray's law has exponent 1/3; angiograms widen small vessels to the beam, hence the floor.
    width = np.clip(0.95 * flow**0.38, 1.25, 7.0) * large / 320
    tone = np.clip(98 + 34 * np.log(flow), 0, 255).astype(int)
    ends, starts = tree.points * large, tree.points[tree.parents] * large
    for place in np.argsort(flow, kind="stable"):
        half = width[place] / 2
        (x, y), ink = ends[place], int(tone[place])
        pen.line([*starts[place], x, y], fill=ink, width=round(width[place]))
        pen.ellipse([x - half, y - half, x + half, y + half], fill=ink)
    return np.asarray(picture.reduce(FINER_EDGE), dtype=np.float32) / np.float32(255)
