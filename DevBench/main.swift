import Compute
import Foundation
let filter = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : ""
let threads = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2])! : 1
let machine = Machine(threadCount: threads)
func cpu() -> Double { var t = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9 }
for c in ConvolutionCases.layers where c.name.contains(filter) {
  let g = c.geometry; let batch = 64
  let arena = Arena()
  let input = arena.make(g.inputShape.batched(batch)); let output = arena.make(g.outputShape.batched(batch))
  let weights = arena.make(g.weightShape)
  for i in 0..<input.buffer.count { input.pointer[i] = Float.random(in: -1...1) }
  for i in 0..<output.buffer.count { output.pointer[i] = Float.random(in: -1...1) }
  for i in 0..<weights.buffer.count { weights.pointer[i] = Float.random(in: -1...1) }
  let plan = ConvolutionPlan(g, on: machine); plan.setWeights(weights)
  let ops = 2 * Double(g.multiplyAdds) * Double(batch)
  func best(_ body: () -> Void) -> Double {
    var best = 1e9; body()
    let end = Date().addingTimeInterval(1.0)
    while Date() < end { let a = cpu(); body(); best = min(best, cpu() - a) }
    return ops / best / 1e9
  }
  let w = best { plan.addWeightGradient(input: input, outputGradient: output, exampleWeights: nil, into: weights) }
  let f = best { plan.forward(input, bias: nil, into: output) }
  let b = best { plan.backwardData(output, into: input) }
  let n: Double = { var norms = [Double](repeating: 0, count: batch); return best { norms.withUnsafeMutableBufferPointer { plan.addSquaredNorms(input: input, outputGradient: output, to: $0) } } }()
  print(String(format: "%@ weights %6.1f  forward %6.1f backward %6.1f norms %6.1f", c.name.padding(toLength: 26, withPad: " ", startingAt: 0), w, f, b, n))
}
