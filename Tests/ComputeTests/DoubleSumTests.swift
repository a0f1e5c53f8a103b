import Compute
import Testing

@Suite struct DoubleSumTests {
  @Test func smallTermsAreNotLostBesideLargeOnesAndTheSumIsCleared() {
    let (count, arena) = (40_000, Arena())
    for threads in [1, 3] {
      let machine = Machine(threadCount: threads)
      let sum = DoubleSum(count: count)
      let (term, result) = (arena.make(Shape(count)), arena.make(Shape(count)))
      let values = [Float(0x1p24)] + [Float](repeating: 1, count: 101) + [-0x1p24]
      for value in values {
        for index in 0..<count { term.pointer[index] = value * Float(index % 7) }
        machine.move(term, to: sum)
        #expect(term.buffer.allSatisfy { $0 == 0 })
      }
      machine.move(sum, into: result)
      #expect((0..<count).allSatisfy { result.pointer[$0] == 101 * Float($0 % 7) })
      machine.move(sum, into: result)
      #expect(result.buffer.allSatisfy { $0 == 0 })
    }
  }

  @Test func eachNumberIsRoundedOnce() {
    let (machine, arena) = (Machine(threadCount: 1), Arena())
    let (term, result) = (arena.make(Shape(1)), arena.make(Shape(1)))
    let sum = DoubleSum(count: 1)
    // Slightly more than half a unit in the last place: with intermediate rounding, it would be lost.
    for value in [Float(1), 0x1p-24, 0x1p-40] {
      term.pointer[0] = value
      machine.move(term, to: sum)
    }
    machine.move(sum, into: result)
    #expect(result.pointer[0] == 1 + .ulpOfOne)
  }
}
