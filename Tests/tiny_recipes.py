"""Recipes that train in moments, for scripts that start the programs; what they draw does not matter.

`RunBench` has the same ones for the Swift tests.
"""


def gan(name, steps):
  """A DP-GAN of a few hundred weights, for 8x8 pixels."""
  return f"""\
name: {name}
summary: A tiny DP-GAN that trains in moments.
family: dp-gan
image: {{height: 8, width: 8, channels: 1}}
training: {{batch_size: 16, steps: {steps}, clip_norm: 1}}
model:
  width: 2
  generator_width: 2
  latent_size: 4
  discriminator_learning_rate: 0.001
  generator_learning_rate: 0.001
  beta1: 0.5
  beta2: 0.999
  generator_batch_size: 8
  schedule: {{start: 2, grace: 10, limit: 5}}
  average_decay: 0.9
"""


def pixel(name, steps, channels):
  """A pixel model of four levels, for 8x8 pixels."""
  return f"""\
name: {name}
summary: A tiny pixel model that trains in moments.
family: pixel
image: {{height: 8, width: 8, channels: 1}}
training: {{batch_size: 16, steps: {steps}, clip_norm: 1}}
model:
  channels: {channels}
  depth: 1
  first_kernel: 3
  bits: 2
  output: softmax
  class_regions: 2
  label_dropout: 0
  guidance: 1
  learning_rate: 0.01
  warm_up_steps: 1
  final_rate: 1
  beta1: 0.9
  beta2: 0.99
  average_decay: 0.9
"""
