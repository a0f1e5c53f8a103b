"""Writes muon.csv: steps of Muon, its iterations done on the singular values of each matrix.

An iteration X <- aX + bXX'X + cX(X'X)^2 leaves the singular vectors and takes each singular value s to
as + bs^3 + cs^5, so a decomposition gives what a chain of matrix products must give. The script stops
if torch.optim.Muon, which iterates in bfloat16, differs by more than that format explains.

    pip install torch numpy
    python3 muon.py > muon.csv

Every line is: case, name, shape, numbers. Convolution weights are kernel height x kernel width x input
channels x output channels, and their matrix has a column for each output.
"""

import math

import torch

torch.manual_seed(20261126)
torch.set_default_dtype(torch.float64)
print(f"# torch {torch.__version__}, float64, rounded to 9 digits")

A, B, C = 3.4445, -4.7750, 2.0315


def random(*shape):
    """Numbers that single precision holds exactly, so that both sides start from the same."""
    return torch.randn(*shape).float().double()


def put(case, name, tensor):
    shape = "x".join(str(extent) for extent in tensor.shape)
    numbers = " ".join(f"{value:.9g}" for value in tensor.detach().reshape(-1).tolist())
    print(f"{case},{name},{shape},{numbers}")


def orthogonalised(matrix):
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    values = values / values.square().sum().sqrt()
    for _ in range(5):
        values = A * values + B * values**3 + C * values**5
    return left @ torch.diag(values) @ right


def steps(case, shape, rate, momentum):
    start = random(*shape)
    gradients = random(4, *shape)
    # Directions of very different size are what the rule is for.
    gradients *= torch.logspace(0, -2, shape[-1])
    value, average = start.clone().reshape(-1, shape[-1]), torch.zeros(start.numel() // shape[-1], shape[-1])
    peer = torch.nn.Parameter(value.float())
    rule = torch.optim.Muon(
        [peer], lr=rate, weight_decay=0, momentum=momentum, adjust_lr_fn="match_rms_adamw"
    )
    results = []
    for gradient in gradients:
        gradient = gradient.reshape(value.shape)
        average = momentum * average + (1 - momentum) * gradient
        direction = (1 - momentum) * gradient + momentum * average
        value = value - rate * 0.2 * math.sqrt(max(value.shape)) * orthogonalised(direction)
        results.append(value.reshape(shape))
        peer.grad = gradient.float()
        rule.step()
    moved = (value - start.reshape(value.shape)).norm()
    difference = (peer.detach().double() - value).norm() / moved
    assert difference < 0.03, f"{case}: torch.optim.Muon differs by {difference:.3f}"
    put(case, "start", start)
    put(case, "gradients", gradients)
    put(case, "steps", torch.stack(results))


steps("tall", (6, 4), 0.02, 0.95)
steps("wide", (3, 7), 0.02, 0.95)
steps("convolution", (2, 2, 3, 5), 0.01, 0.9)
matrix = random(40, 24) @ torch.diag(torch.logspace(0, -2, 24))
put("orthogonalisation", "matrix", matrix)
put("orthogonalisation", "result", orthogonalised(matrix))
