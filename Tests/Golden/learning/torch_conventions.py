"""Writes torch.csv: layers, losses and optimisers as PyTorch computes them, in our memory layout.

Finite differences prove the algebra of a layer; these tables prove its conventions: padding, the
order of weights, epsilon, what a loss is divided by.

    pip install torch numpy
    python3 torch_conventions.py > torch.csv

Every line is: case, name, shape, numbers. Images are batch x height x width x channels, weights are
kernel height x kernel width x input channels x output channels (for a transposed convolution those
of the convolution that it transposes).
"""

import torch
import torch.nn.functional as F

torch.manual_seed(20240611)
torch.set_default_dtype(torch.float64)
print(f"# torch {torch.__version__}, float64, rounded to 9 digits")


def random(*shape):
    """Numbers that single precision holds exactly, so that both sides start from the same."""
    return torch.randn(*shape).float().double()


def put(case, name, tensor):
    shape = "x".join(str(extent) for extent in tensor.shape)
    numbers = " ".join(f"{value:.9g}" for value in tensor.detach().reshape(-1).tolist())
    print(f"{case},{name},{shape},{numbers}")


def image(tensor):
    """Batch x channels x height x width to ours."""
    return tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor


def layer(case, function, x, parameters, layouts):
    """Dumps a layer's output and gradients; the first parameters are weights, in torch's layout."""
    x.requires_grad_()
    for parameter in parameters.values():
        parameter.requires_grad_()
    y = function(x, *parameters.values())
    g = random(*y.shape)
    y.backward(g)
    put(case, "input", image(x))
    put(case, "output", image(y))
    put(case, "outputGradient", image(g))
    put(case, "inputGradient", image(x.grad))
    for name, parameter in parameters.items():
        layout = layouts.get(name, lambda tensor: tensor)
        put(case, name, layout(parameter))
        put(case, f"{name}.gradient", layout(parameter.grad))


# torch: output x input x rows x columns; ours: rows x columns x input x output.
convolution_layout = {"weights": lambda w: w.permute(2, 3, 1, 0)}
# torch: input x output x rows x columns; ours, for the convolution that is transposed: rows x
# columns x its input (our output) x its output (our input).
transposed_layout = {"weights": lambda w: w.permute(2, 3, 1, 0)}
dense_layout = {"weights": lambda w: w.t()}

layer(
    "convolution stride 2",
    lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
    random(2, 3, 6, 5),
    {"weights": random(2, 3, 4, 4), "bias": random(2)},
    convolution_layout,
)
layer(
    "convolution stride 1",
    lambda x, w, b: F.conv2d(x, w, b, padding=1),
    random(2, 2, 4, 5),
    {"weights": random(3, 2, 3, 3), "bias": random(3)},
    convolution_layout,
)
layer(
    "transposed convolution",
    lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1),
    random(2, 3, 3, 2),
    {"weights": random(3, 2, 4, 4), "bias": random(2)},
    transposed_layout,
)
layer(
    "transposed convolution with output padding",
    lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
    random(2, 2, 2, 3),
    {"weights": random(2, 3, 3, 3), "bias": random(3)},
    transposed_layout,
)
layer(
    "dense",
    lambda x, w, b: F.linear(x, w, b),
    random(3, 5),
    {"weights": random(4, 5), "bias": random(4)},
    dense_layout,
)
layer(
    "group norm",
    lambda x, s, o: F.group_norm(x, 3, s, o, eps=1e-5),
    random(2, 6, 3, 4),
    {"scale": random(6), "offset": random(6)},
    {},
)
mean, variance = torch.zeros(3), torch.ones(3)
batch = random(4, 3, 2, 3)
scale, offset = random(3), random(3)
layer(
    "batch norm",
    lambda x, s, o: F.batch_norm(x, mean, variance, s, o, training=True, momentum=0.1, eps=1e-5),
    batch,
    {"scale": scale, "offset": offset},
    {},
)
put("batch norm", "runningMean", mean)
put("batch norm", "runningVariance", variance)
sampled = F.batch_norm(batch, mean, variance, scale, offset, training=False, eps=1e-5)
put("batch norm", "sampled", image(sampled))
layer("average pooling", lambda x: F.avg_pool2d(x, 2), random(2, 2, 5, 4), {}, {})
layer("max pooling", lambda x: F.max_pool2d(x, 2), random(2, 2, 5, 4), {}, {})
layer("upsampling", lambda x: F.interpolate(x, scale_factor=2), random(2, 2, 2, 3), {}, {})
layer("leaky ReLU", lambda x: F.leaky_relu(x, 0.2), random(2, 6), {}, {})
layer("tanh", torch.tanh, random(2, 6), {}, {})
layer("sigmoid", torch.sigmoid, random(2, 6), {}, {})


def loss(case, function, logits, labels=None):
    """Dumps a loss per example and its gradient."""
    logits.requires_grad_()
    values = function(logits)
    values.sum().backward()
    put(case, "logits", logits)
    put(case, "values", values)
    put(case, "gradient", logits.grad)
    if labels is not None:
        put(case, "labels", labels)


def odds():
    return torch.tensor([-300.0, -40.0, -2.5, -0.001, 0.0, 0.3, 4.0, 50.0, 500.0]).reshape(-1, 1)


def entropy(target):
    return lambda z: F.binary_cross_entropy_with_logits(
        z, torch.full_like(z, target), reduction="none"
    ).mean(1)


loss("binary cross-entropy towards 1", entropy(1.0), odds())
loss("binary cross-entropy towards 0", entropy(0.0), odds())
loss("binary cross-entropy towards 0.75", entropy(0.75), odds())
loss("binary cross-entropy of several outputs", entropy(1.0), random(3, 4))
loss("hinge real", lambda z: F.relu(1 - z).mean(1), odds())
loss("hinge drawn", lambda z: F.relu(1 + z).mean(1), odds())
loss("hinge generator", lambda z: -z.mean(1), odds())
classes = torch.tensor([2, 0, 4, 1])
logits = random(4, 5)
logits[2] *= 200
loss(
    "categorical cross-entropy",
    lambda z: F.cross_entropy(z, classes, reduction="none"),
    logits,
    classes.double(),
)


def optimizer(case, make):
    """Dumps five steps over three parameters."""
    parameter = random(3).requires_grad_()
    put(case, "start", parameter)
    rule = make([parameter])
    gradients = random(5, 3)
    gradients[:, 2] *= 1e-4
    put(case, "gradients", gradients)
    steps = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        rule.step()
        steps.append(parameter.detach().clone())
    put(case, "steps", torch.stack(steps))


optimizer("adam", lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.999)))
optimizer("adam defaults", lambda p: torch.optim.Adam(p, lr=0.001))
optimizer("momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
optimizer("plain descent", lambda p: torch.optim.SGD(p, lr=0.1))
