"""A seeded bug."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
  number: str
  title: str
  named: str
  edits: tuple
  message: str = ""
  control: tuple = ()
  module: str = ""

  @property
  def target(self):
    return self.named.split(".")[0]

  @property
  def suite(self):
    return self.named.split(".")[1].split("/")[0]

  @property
  def test(self):
    return self.named.split("/")[1]
