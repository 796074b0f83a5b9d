"""Features of images in the files of a workspace: each image is encoded once, here or elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, final, runtime_checkable

from unoqa.core.assessment import Failure
from unoqa.core.parallel import map_in_order
from unoqa.grader.rotation import RotatedImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.open_encoders import OpenEncoders, Prepared
    from unoqa.grader.source import LazyImage
    from unoqa.store.workspace import Workspace


@final
@dataclass(frozen=True)
class Unencoded:
    """An image that was read.

    Attributes:
        digest: of its pixels.
        cores: positions of the cores whose features of it are not in the files yet.
    """

    image: LazyImage
    digest: str
    prepared: Prepared
    cores: tuple[int, ...]


@final
@dataclass(frozen=True)
class Encoded:
    """Features of an image by the positions of the cores that gave them.

    Attributes:
        digest: of its pixels.
    """

    digest: str
    pyramids: dict[int, FeaturePyramid]


@runtime_checkable
class EncodeImages(Protocol):
    """Who encodes images."""

    def __call__(
        self,
        encoders: OpenEncoders,
        images: Iterable[LazyImage],
        prepare: Callable[[LazyImage], Unencoded | Failure],
    ) -> AbstractContextManager[Iterator[Encoded | Failure]]:
        """Encode images; the context gives the features of each in order, or why it cannot be read or used.

        Args:
            prepare: reads an image, and says by which cores it is to be encoded.
        """
        ...


def encode_here(
    encoders: OpenEncoders, images: Iterable[LazyImage], prepare: Callable[[LazyImage], Unencoded | Failure]
) -> AbstractContextManager[Iterator[Encoded | Failure]]:
    """Encode images in threads of this process."""

    def encode(image: LazyImage) -> Encoded | Failure:
        found = prepare(image)
        if isinstance(found, Failure):
            return found
        return Encoded(found.digest, encoders.encode_cores(found.prepared, found.cores))

    return map_in_order(encode, images)


@final
class CachedFeatures:
    """Features of images in the files of a workspace: each image is encoded once, known by the digest of its pixels."""

    def __init__(self, encoders: OpenEncoders, workspace: Workspace, encode: EncodeImages = encode_here) -> None:
        self.encoders = encoders
        self.workspace = workspace
        self._encode_images = encode
        self._files = tuple(
            workspace.open_features(key, core.scales)
            for key, core in zip(encoders.core_keys, encoders.cores, strict=True)
        )

    @contextmanager
    def encode(self, images: Iterable[LazyImage]) -> Iterator[Iterator[str | Failure]]:
        """Encode what is not in the files yet, images side by side.

        Yields:
            the digest of each image in order, or why it cannot be read or used.
        """
        with self._encode_images(self.encoders, images, self._prepare) as results:
            yield (result if isinstance(result, Failure) else self._add(result) for result in results)

    def read(self, encoder: int, digests: Iterable[str]) -> FeatureSet:
        """Return the features that one encoder, by its position, gave of the images with these digests."""
        file = self._files[self.encoders.positions[encoder]]
        features = file.read([file.row(digest) for digest in digests], self.encoders.device)
        settings = self.encoders.settings[encoder]
        return features if settings.core() == settings else replace(features, finish=settings.finish)

    def read_rotatable(self, encoder: int, images: Mapping[str, LazyImage]) -> FeatureSet:
        """Return the features of these images by their digests; a module can have them rotated and encoded again."""
        file, encoders = self._files[self.encoders.positions[encoder]], self.encoders
        rows = {file.row(digest): (digest, image) for digest, image in images.items()}
        rotated = RotatedImages(lambda one: encoders.encode_with(encoder, encoders.prepare(one)), rows, encoders.size)
        return replace(self.read(encoder, images), rotate=rotated)

    def _prepare(self, image: LazyImage) -> Unencoded | Failure:
        def prepare(read: EnfaceImage) -> Unencoded:
            digest = read.digest()
            missing = tuple(core for core, file in enumerate(self._files) if file.find(digest) is None)
            return Unencoded(image, digest, self.encoders.prepare(read), missing)

        return image.apply(prepare)

    def _add(self, found: Encoded) -> str:
        for core, pyramid in found.pyramids.items():
            if self._files[core].find(found.digest) is None:
                self._files[core].add(pyramid, found.digest)
        return found.digest
