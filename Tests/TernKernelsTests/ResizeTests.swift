import CTernKernels
import TernKernels
import Testing

@Suite struct ResizeTests {
    /// Every set against sums in plain Swift: three output rows of seven input rows, then taps along them.
    @Test(arguments: InstructionSet.available) func followsPlainSums(_ set: InstructionSet) throws {
        var random = Generator(seed: 14)
        let kernels = try ResizeKernels(set)
        for columns in [1, 7, 8, 15, 16, 17, 40] {
            let rows = 7
            let samples = (0..<rows * columns).map { _ in UInt16(truncatingIfNeeded: random.next()) }
            let weights = (0..<rows * 3).map { _ in random.unit() }
            var sums = ResizeSums<Double>(columnCount: columns, slotCount: 4)
            let bytes = samples.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            kernels.addColumns(
                bytes.raw, ResizeRows(byteOffset: 0, byteStride: 2 * columns, columnCount: columns), as: .uint16(low: 100.5, high: 60_000),
                weights: weights, run: ResizeRun(rowCount: rows, firstOutput: 2, outputCount: 3, continuedCount: 0), to: &sums)
            let taps = ResizeTaps<Double>(
                firsts: [0, columns / 2], counts: [columns, columns - columns / 2], weights: (0..<2 * columns).map { $0 < columns ? 0.5 : 0.25 },
                stride: columns, inputCount: columns)
            // The second output has fewer taps than the stride; what lies past them is left out.
            for output in 0..<3 {
                var line = [Double](repeating: 0, count: columns)
                for y in 0..<rows {
                    for x in 0..<columns {
                        let clipped = min(max(Double(samples[y * columns + x]), 100.5), 60_000)
                        line[x] += clipped * Double(weights[y * 3 + output])
                    }
                }
                var result: [Float] = [-1, -1]
                kernels.resampleRow(2 + output, of: sums, taps: taps, factor: 1e-4, addend: 30, into: &result, at: 0)
                for (index, first) in [0, columns / 2].enumerated() {
                    let weight = index == 0 ? 0.5 : 0.25
                    let sum = line[first...].reduce(0, +) * weight * 1e-4 + 30
                    #expect(abs(Double(result[index]) - min(max(sum, 0), 255)) < 1e-4, "\(columns) columns, output \(output)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available) func resamplesBytesAsWholeNumbers(_ set: InstructionSet) throws {
        var random = Generator(seed: 15)
        let kernels = try ResizeKernels(set)
        for channels in [1, 3] {
            for (columns, rows) in [(1, 1), (5, 3), (16, 16), (33, 9)] {
                let samples = (0..<rows * columns * channels).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                let weights = (0..<columns).map { _ in Int32(truncatingIfNeeded: random.next()) % (1 << 17) }
                let taps = ResizeTaps<Int32>(firsts: [0], counts: [columns], weights: weights, stride: columns, inputCount: columns)
                var scratch = [UInt8](repeating: 0, count: ResizeKernels.scratchByteCount(taps, channels: channels))
                var result = [UInt8](repeating: 7, count: rows * channels)
                kernels.resampleRows(
                    samples.raw, ResizeRows(byteOffset: 0, byteStride: columns * channels, columnCount: columns), rowCount: rows, channels: channels,
                    flip: 255, taps: taps, scratch: &scratch, into: &result, at: 0)
                for row in 0..<rows {
                    for channel in 0..<channels {
                        var sum = 1 << 21
                        for x in 0..<columns {
                            let value = 255 - Int(samples[(row * columns + x) * channels + channel])
                            sum += value * Int(weights[x])
                        }
                        #expect(Int(result[row * channels + channel]) == min(max(sum >> 22, 0), 255))
                    }
                }
            }
        }
    }

    @Test func refusesASetThatDoesNotRun() {
        for set in InstructionSet.allCases where !set.isAvailable {
            #expect(throws: KernelError.unavailable(set)) { try ResizeKernels(set) }
        }
        #expect(ResizeKernels.best.instructionSet == .best)
    }
}
