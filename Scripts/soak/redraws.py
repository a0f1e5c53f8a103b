class Redraws:
  pass
