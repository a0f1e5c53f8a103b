#!/usr/bin/env python3
"""Measures `figmentd bench --filter "16 levels"` beside PyTorch on a gated PixelCNN of the same shape.

    python -m venv peers && peers/bin/pip install torch
    peers/bin/python Benchmarks/pixel_peer.py --bench .build/release/figmentd bench

Both sides take turns, several rounds each, and the best counts; times are those of the wall clock,
so the machine should do nothing else. PyTorch draws naively: one pass over the image for each pixel,
of which a few are timed. Prints a table in Markdown.
"""
import argparse

import torch
from torch import nn
from torch.nn import functional as F

from peers import best_time, figment_line

SIDE, CHANNELS, BLOCKS, LEVELS, CLASSES, REACH = 28, 32, 6, 16, 10, 3


class Gate(nn.Module):
    """tanh times sigmoid, with a bias of the class."""

    def __init__(self):
        super().__init__()
        self.classes = nn.Embedding(CLASSES, 2 * CHANNELS)

    def forward(self, x, label):
        content, openness = (x + self.classes(label)[:, :, None, None]).chunk(2, 1)
        return torch.tanh(content) * torch.sigmoid(openness)


class Block(nn.Module):
    """One block of the vertical and the horizontal stack (van den Oord and others 2016)."""

    def __init__(self, first, last):
        super().__init__()
        inputs = 3 if first else CHANNELS
        reach = REACH if first else 1
        self.first, self.last = first, last
        # The first block's own row and pixel are left out by the padding.
        self.pad_above = (reach, reach, reach + 1, 0) if first else (1, 1, 1, 0)
        self.pad_left = (reach + 1, 0, 0, 0) if first else (1, 0, 0, 0)
        self.above = nn.Conv2d(inputs, 2 * CHANNELS, (reach + 1 if first else 2, 2 * reach + 1))
        self.left = nn.Conv2d(inputs, 2 * CHANNELS, (1, reach + 1 if first else 2))
        self.link = nn.Conv2d(CHANNELS, 2 * CHANNELS, 1)
        self.project = nn.Conv2d(CHANNELS, CHANNELS if last else 2 * CHANNELS, 1)
        self.gate_above, self.gate_left = Gate(), Gate()

    def forward(self, above, left, label):
        down = self.above(F.pad(above, self.pad_above))[:, :, :SIDE, :SIDE]
        down = self.gate_above(down, label)
        if not self.first:
            down = down + above
        across = self.left(F.pad(left, self.pad_left))[:, :, :, :SIDE] + self.link(down)
        projected = self.project(self.gate_left(across, label))
        if self.last:
            return down, None, projected
        skip, right = projected.chunk(2, 1)
        return down, right if self.first else right + left, skip


class GatedPixelCNN(nn.Module):
    """Logits of the levels of each pixel."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block(i == 0, i == BLOCKS) for i in range(BLOCKS + 1))
        self.hidden = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.output = nn.Conv2d(CHANNELS, LEVELS, 1)
        line = torch.linspace(-1, 1, SIDE)
        self.register_buffer("place", torch.stack(torch.meshgrid(line, line, indexing="ij")))

    def forward(self, image, label):
        above = left = torch.cat([image, self.place.expand(len(image), 2, SIDE, SIDE)], 1)
        skips = 0
        for block in self.blocks:
            above, left, skip = block(above, left, label)
            skips = skips + skip
        return self.output(F.relu(self.hidden(F.relu(skips))))


def peer_bodies(batch):
    """Name, body and images per call of what PyTorch does."""
    model = GatedPixelCNN().to(memory_format=torch.channels_last)
    levels = torch.randint(0, LEVELS, (batch, SIDE, SIDE))
    image = (2 * levels / (LEVELS - 1) - 1)[:, None].to(memory_format=torch.channels_last)
    label = torch.arange(batch) % CLASSES
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def train():
        adam.zero_grad()
        F.cross_entropy(model(image, label), levels, reduction="sum").div(batch).backward()
        adam.step()

    def draw():
        with torch.no_grad():
            logits = model(image, label)[:, :, SIDE // 2, SIDE // 2]
            image[:, 0, SIDE // 2, SIDE // 2] = (
                2 * torch.multinomial(logits.softmax(1), 1)[:, 0] / (LEVELS - 1) - 1)

    print(f"PyTorch {torch.__version__}, {sum(p.numel() for p in model.parameters())} parameters")
    return {"training": (train, batch), "sampling": (draw, batch / SIDE**2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3, help="of each round of a case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench", nargs="+", default=[".build/release/figmentd", "bench"])
    options = parser.parse_args()
    options.wall_clock = True
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    peers = peer_bodies(options.batch)
    print(f"{options.threads} thread(s), batch {options.batch}\n")
    ours, theirs = {}, {}
    for _ in range(options.rounds):
        for name, (body, images) in peers.items():
            rate = images / best_time(body, options.seconds, options)
            theirs[name] = max(rate, theirs.get(name, 0))
        for case in ("pixel-plain-step", "pixel-private-step", "pixel-sampling"):
            line = figment_line(options, f"{case} 16 levels")
            rate = options.batch / line["bestMilliseconds"] * 1e3
            if rate > ours.get(case, (0,))[0]:
                ours[case] = (rate, line["gflops"], line["shareOfPeak"])
    print("| case | PyTorch images/s | Figment images/s | ratio | GFLOP/s | share of peak |")
    print("|---|---|---|---|---|---|")
    for case, (rate, gigaflops, share) in ours.items():
        peer = theirs["sampling" if case.endswith("sampling") else "training"]
        print(f"| {case} | {peer:.2f} | {rate:.0f} | {rate / peer:.1f} | {gigaflops:.1f} | "
              f"{share:.0%} |")


if __name__ == "__main__":
    main()
