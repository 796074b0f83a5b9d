"""Time of encoding one image on one thread, by whatever unoqa is installed beside the Python that runs this.

    python benchmarks/speed/encode.py MODEL LAYER… [--repeats 15]

The weights are random, on which speed does not depend. Prints the median milliseconds of the processor, which other
programs on the machine change less than the clock's.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from random_weights import draw_weights

from unoqa.encoders.timm import Timm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("layers", type=int, nargs="+")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = Timm(model=arguments.model, layers=tuple(arguments.layers))
    encoder = settings.open(device=torch.device("cpu"), weights=draw_weights(settings))
    image = np.random.default_rng(0).random((1, 320, 320), dtype=np.float32)
    encoder.encode(image)
    times = []
    for _ in range(arguments.repeats):
        started = time.process_time()
        encoder.encode(image)
        times.append(time.process_time() - started)
    print(1000 * statistics.median(times))


if __name__ == "__main__":
    main()
