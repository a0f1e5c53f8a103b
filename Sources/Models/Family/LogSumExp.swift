import Glibc

/// The logarithm of the sum of the exponentials of `count` terms, none of which overflows; minus infinity if all terms
/// are.
func logSumExp(_ count: Int, _ term: (Int) -> Double) -> Double {
  var largest = -Double.infinity
  for index in 0..<count { largest = max(largest, term(index)) }
  guard largest > -.infinity else { return largest }
  var sum = 0.0
  for index in 0..<count { sum += exp(term(index) - largest) }
  return largest + log(sum)
}
