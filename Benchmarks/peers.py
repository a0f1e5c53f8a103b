#!/usr/bin/env python3
"""Measures `figmentd bench` beside PyTorch (oneDNN) and Opacus on the same shapes, in one run.

    python -m venv peers && peers/bin/pip install torch opacus
    peers/bin/python Benchmarks/peers.py --bench .build/release/figmentd bench

Both sides take turns on every case, several rounds each, and the best round counts, so that a
machine that others use at the same time treats them alike. Times are processor time per thread, or
with --wall-clock, on a machine that nobody else uses, what passes on the wall. oneDNN is given both of its layouts and the better one counts. Prints a table in Markdown.
"""
import argparse
import json
import resource
import subprocess
import sys
import time

# name, input channels, output channels, height, width, kernel, stride, padding
LAYERS = [
    ("128->256 4x4 s2 14x14", 128, 256, 14, 14, 4, 2, 1),
    ("256->512 3x3 s2 7x7", 256, 512, 7, 7, 3, 2, 1),
    ("64->64 3x3 28x28", 64, 64, 28, 28, 3, 1, 1),
    ("128->128 3x3 32x32", 128, 128, 32, 32, 3, 1, 1),
    ("64->128 4x4 s2 32x32", 64, 128, 32, 32, 4, 2, 1),
    ("1x1 128->128 28x28", 128, 128, 28, 28, 1, 1, 0),
    ("1->64 4x4 s2 28x28", 1, 64, 28, 28, 4, 2, 1),
    ("1->64 7x7 28x28", 1, 64, 28, 28, 7, 1, 3),
    ("3->64 3x3 64x64", 3, 64, 64, 64, 3, 1, 1),
    ("512->1 4x4 4x4", 512, 1, 4, 4, 4, 1, 0),
]
PASSES = ["forward", "backward-data", "backward-weights"]
STEPS = ["plain-step", "private-step", "generator-step"]
STEP_SHAPE = "DCGAN width 128 28x28"


def best_time(body, seconds, options):
    """Seconds of the best repetition, of at least three within `seconds`."""
    def now():
        if options.wall_clock:
            return time.perf_counter()
        return time.process_time() / options.threads

    body()
    best = float("inf")
    end = now() + seconds
    count = 0
    while count < 3 or now() < end:
        start = now()
        body()
        best = min(best, now() - start)
        count += 1
    return best


def figment_line(options, case):
    """What `figmentd bench` says of one case."""
    command = options.bench + [
        "--filter", case, "--threads", str(options.threads), "--batch", str(options.batch),
        "--seconds", str(options.seconds), "--json"]
    command += [] if options.wall_clock else ["--processor-time"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def figment(options, case):
    """Seconds of the best repetition and the peak memory of one case of `figmentd bench`."""
    line = figment_line(options, case)
    return line["bestMilliseconds"] / 1e3, line["peakMemoryBytes"]


def layer_bodies(torch, layer, operation, batch):
    """One body per memory layout."""
    _, inputs, outputs, height, width, kernel, stride, padding = layer
    for layout in (torch.channels_last, torch.contiguous_format):
        x = torch.randn(batch, inputs, height, width).to(memory_format=layout)
        w = torch.randn(outputs, inputs, kernel, kernel).to(memory_format=layout)
        b = torch.randn(outputs)
        y = torch.nn.functional.conv2d(x, w, b, stride, padding)
        g = torch.randn_like(y)
        if operation == "forward":
            yield lambda: torch.nn.functional.conv2d(x, w, b, stride, padding)
            continue
        mask = [operation == "backward-data", operation == "backward-weights", False]
        yield lambda: torch.ops.aten.convolution_backward(
            g, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask)


def discriminator(torch):
    """The discriminator of "Private GANs, Revisited" at width 128 for ten classes."""
    nn = torch.nn

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Conv2d(1, 64, 4, 2, 1)
            self.label = nn.Conv2d(10, 64, 4, 2, 1)
            self.rest = nn.Sequential(
                nn.LeakyReLU(0.2), nn.Conv2d(128, 256, 4, 2, 1), nn.LeakyReLU(0.2),
                nn.Conv2d(256, 512, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(512, 1, 4), nn.Flatten())

        def forward(self, image, label):
            return self.rest(torch.cat([self.image(image), self.label(label)], 1))

    return Discriminator()


def step_body(torch, kind, batch):
    """One training step on real examples: `plain`, `hooks` or `ghost`."""
    model = discriminator(torch)
    images = torch.randn(batch, 1, 28, 28)
    classes = torch.arange(batch) % 10
    labels = torch.zeros(batch, 10, 28, 28)
    labels[torch.arange(batch), classes] = 1
    target = torch.ones(batch, 1)
    if kind == "plain":
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
        labels = labels.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(model.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = torch.nn.BCEWithLogitsLoss()
    if kind == "hooks":
        from opacus import GradSampleModule
        from opacus.optimizers import DPOptimizer
        model = GradSampleModule(model)
        adam = DPOptimizer(adam, noise_multiplier=1.0, max_grad_norm=1.0, expected_batch_size=batch)
    elif kind == "ghost":
        from opacus.grad_sample import GradSampleModuleFastGradientClipping
        from opacus.optimizers.optimizer_fast_gradient_clipping import (
            DPOptimizerFastGradientClipping)
        from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping
        model = GradSampleModuleFastGradientClipping(
            model, max_grad_norm=1.0, use_ghost_clipping=True)
        adam = DPOptimizerFastGradientClipping(
            adam, noise_multiplier=1.0, max_grad_norm=1.0, expected_batch_size=batch)
        criterion = DPLossFastGradientClipping(model, adam, criterion)

    def body():
        adam.zero_grad()
        criterion(model(images, labels), target).backward()
        adam.step()

    return body


def measure_step(kind, options):
    """A step in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--step", kind, "--threads", str(options.threads),
               "--batch", str(options.batch), "--seconds", str(options.seconds)]
    command += ["--wall-clock"] if options.wall_clock else []
    answer = subprocess.run(command, check=True, capture_output=True).stdout.split()
    return float(answer[0]), int(answer[1])


def print_steps(options):
    ours = {step: [] for step in STEPS}
    peers = {kind: [] for kind in ("plain", "hooks", "ghost")}
    for _ in range(options.rounds):
        for step in STEPS:
            ours[step].append(figment(options, f"{step} {STEP_SHAPE}"))
        for kind in peers:
            peers[kind].append(measure_step(kind, options))
    names = {"plain": "PyTorch, no privacy", "hooks": "Opacus, hooks", "ghost": "Opacus, ghost"}
    private = min(ours["private-step"])[0]
    print("| step | examples/s | peak memory | time against our private step |")
    print("|---|---|---|---|")
    rows = [(f"Figment, {step}", ours[step]) for step in STEPS]
    rows += [(names[kind], peers[kind]) for kind in peers]
    for name, results in rows:
        seconds, memory = min(results)[0], max(memory for _, memory in results)
        print(f"| {name} | {options.batch / seconds:.0f} | {memory >> 20} MB | "
              f"{seconds / private:.2f} |", flush=True)
    print()


def print_layers(torch, options):
    print("| layer | pass | oneDNN GFLOP/s | Figment GFLOP/s | ratio |")
    print("|---|---|---|---|---|")
    for layer in LAYERS:
        name, inputs, outputs, height, width, kernel, stride, padding = layer
        rows = (height + 2 * padding - kernel) // stride + 1
        columns = (width + 2 * padding - kernel) // stride + 1
        operations = 2 * options.batch * rows * columns * kernel * kernel * inputs * outputs
        for operation in PASSES:
            mine = theirs = float("inf")
            for _ in range(options.rounds):
                mine = min(mine, figment(options, f"{operation} {name}")[0])
                for body in layer_bodies(torch, layer, operation, options.batch):
                    theirs = min(theirs, best_time(body, options.seconds / 2, options))
            print(f"| {name} | {operation} | {operations / theirs / 1e9:.1f} | "
                  f"{operations / mine / 1e9:.1f} | {theirs / mine:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each round of a case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wall-clock", action="store_true",
                        help="instead of processor time per thread")
    parser.add_argument("--only", choices=["steps", "layers"])
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--bench", nargs="+", default=[".build/release/figmentd", "bench"],
                        help="the command and its subcommand")
    options = parser.parse_args()
    import torch
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.step:
        seconds = best_time(step_body(torch, options.step, options.batch), options.seconds,
                            options)
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return
    print(f"PyTorch {torch.__version__}, oneDNN on {torch.backends.cpu.get_cpu_capability()}, "
          f"{options.threads} thread(s), batch {options.batch}, "
          f"{'wall clock' if options.wall_clock else 'processor time'}\n")
    if options.only != "layers":
        print_steps(options)
    if options.only != "steps":
        with torch.no_grad():
            print_layers(torch, options)


if __name__ == "__main__":
    main()
