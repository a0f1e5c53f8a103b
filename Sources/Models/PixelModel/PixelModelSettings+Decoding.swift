// Recipes and saved models with former field names stay readable.
extension PixelModelSettings {
  /// Former names of fields: they are read and never written.
  enum FormerKeys: String, CodingKey, CaseIterable {
    case fourierOctaves = "level_octaves"
  }

  /// Reads settings under their current or former names.
  ///
  /// - Throws: `DecodingError`, also for a field under both its names.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init()
    channels = try container.decode(Int.self, forKey: .channels)
    depth = try container.decode(Int.self, forKey: .depth)
    firstKernel = try container.decode(Int.self, forKey: .firstKernel)
    bits = try container.decode(Int.self, forKey: .bits)
    fourierOctaves = try Self.fourierOctaves(in: container, of: decoder)
    output = try container.decode(Output.self, forKey: .output)
    components = try container.decodeIfPresent(Int.self, forKey: .components)
    copyReach = try container.decodeIfPresent(Int.self, forKey: .copyReach)
    headChannels = try container.decodeIfPresent(Int.self, forKey: .headChannels)
    classRegions = try container.decode(Int.self, forKey: .classRegions)
    attentionLayers = try container.decodeIfPresent(Int.self, forKey: .attentionLayers)
    attentionHeads = try container.decodeIfPresent(Int.self, forKey: .attentionHeads)
    labelDropout = try container.decode(Double.self, forKey: .labelDropout)
    guidance = try container.decode(Double.self, forKey: .guidance)
    optimizer = try container.decodeIfPresent(OptimizationRule.self, forKey: .optimizer)
    learningRate = try container.decode(Double.self, forKey: .learningRate)
    warmUpSteps = try container.decode(Int.self, forKey: .warmUpSteps)
    finalRate = try container.decode(Double.self, forKey: .finalRate)
    beta1 = try container.decode(Float.self, forKey: .beta1)
    beta2 = try container.decode(Float.self, forKey: .beta2)
    averageDecay = try container.decode(Double.self, forKey: .averageDecay)
    prior = try container.decodeIfPresent(PriorSettings.self, forKey: .prior)
  }

  private static func fourierOctaves(
    in container: KeyedDecodingContainer<CodingKeys>, of decoder: any Decoder
  ) throws -> Int? {
    let former = try decoder.container(keyedBy: FormerKeys.self)
    guard former.contains(.fourierOctaves) else {
      return try container.decodeIfPresent(Int.self, forKey: .fourierOctaves)
    }
    guard !container.contains(.fourierOctaves) else {
      throw DecodingError.dataCorruptedError(
        forKey: .fourierOctaves, in: container,
        debugDescription: "found beside level_octaves, its former name, expected one of them")
    }
    return try former.decodeIfPresent(Int.self, forKey: .fourierOctaves)
  }
}
