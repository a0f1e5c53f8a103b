import Compute
import Glibc

/// Whether the set reproduces the most isolated training images, which attacks find first.
public struct OutlierExposure: Sendable {
  /// Isolated members against equally isolated images that were not trained on.
  public let ranking: MembershipRanking
  /// Indices of the most isolated members, and of their nearest synthetic images.
  public let pairs: [(member: Int, synthetic: Int)]

  /// Selects the `share` of each kind that is farthest from `space.reference`.
  init(
    of synthetic: FeatureMatrix, in space: AttackSpace, share: Double, on machine: Machine
  ) {
    let neighbors = NearestNeighbors(on: machine)
    func isolated(_ points: FeatureMatrix) -> [Int] {
      let depth = min(5, space.reference.count)
      let distances = neighbors.nearest(points, in: space.reference, neighborCount: depth)
        .map { $0.distances[depth - 1] }
      let count = max(10, Int(Double(points.count) * share))
      return Array(
        points.count > 0
          ? (0..<points.count).sorted { distances[$0] > distances[$1] }.prefix(count) : [])
    }
    let members = isolated(space.members)
    let others = isolated(space.nonMembers)
    func scores(_ points: FeatureMatrix) -> (scores: [Double], places: [Int]) {
      let own = neighbors.nearest(points, in: synthetic, neighborCount: 1)
      let reference = neighbors.nearest(points, in: space.reference, neighborCount: 1)
      return (
        zip(reference, own).map {
          log(Double($0.distances[0]) + 1e-12) - log(Double($1.distances[0]) + 1e-12)
        }, own.map { $0.places[0] }
      )
    }
    let memberScores = scores(space.members.rows(members))
    ranking = MembershipRanking(
      members: memberScores.scores, nonMembers: scores(space.nonMembers.rows(others)).scores)
    pairs = Array(zip(members, memberScores.places).prefix(12)).map { (member: $0, synthetic: $1) }
  }
}
